"""Rows of spectra, events and light curves, and what joins them."""

from pathlib import Path

import numpy as np
import ogip
import pytest
from chandra_embed.inference.catalog.event_files import open_event_file
from chandra_embed.inference.catalog.fits import Companions
from chandra_embed.inference.catalog.inputs import Given
from chandra_embed.inference.catalog.regions import parse_region
from chandra_embed.inference.catalog.rows import event_row, own_region, source_id, spectrum_row, with_part
from chandra_embed.inference.errors import Quarantined
from chandra_embed.inference.recipe import Recipe
from event_fits import events, write_events, write_lightcurve, write_region


def test_source_id() -> None:
    keyed = {"name": "", "obsid": 7, "obi": 0, "region_id": 3, "file": "f"}
    assert source_id({**keyed, "name": "2CXO J1"}) == "2CXO J1"
    assert source_id(keyed) == "7_0_3"
    assert source_id({**keyed, "region_id": -1}) == "f"


def test_a_region_file_beside_regevt3(tmp_path: Path) -> None:
    path = write_events(tmp_path / "acisf00123_000N021_r0043_regevt3.fits")
    assert own_region(path) is None
    region = write_region(tmp_path / "acisf00123_000N021_r0043_reg3.fits", [("circle", 4000, 4100, 3, 0)])
    assert own_region(path) == region
    assert own_region(tmp_path / "a_evt2.fits") is None
    table = open_event_file(path)
    row = event_row(Given(path, "f", "events"), table, None, "f", Companions(), Recipe())
    assert row.paths[1] == region
    assert len(row.events) == len(table.select(parse_region("4000,4100,3")).events)
    assert row.detection["region_id"] == 43
    region.write_text("broken")
    with pytest.raises(Quarantined, match="bad-region"):
        event_row(Given(path, "f", "events"), table, None, "f", Companions(), Recipe())


def test_without_a_region_file_the_background_is_said_to_be_in(tmp_path: Path) -> None:
    path = write_events(tmp_path / "acisf00123_000N021_r0043_regevt3.fits")
    one = Given(path, "f", "events")
    row = event_row(one, open_event_file(path), None, "f", Companions(background=path), Recipe())
    assert any("background region" in note for note in row.notes)
    assert any("is not used" in note for note in row.notes)


@pytest.mark.parametrize("order", [("events", "lightcurve"), ("lightcurve", "events")])
def test_the_catalogs_own_variability_stays(tmp_path: Path, order: tuple[str, str]) -> None:
    spectrum = Given(ogip.write_pha(tmp_path / "a.pi", ogip.counts(1)), "a.pi")
    parts = {
        "events": write_events(tmp_path / "a_evt2.fits"),
        "lightcurve": write_lightcurve(tmp_path / "a_lc3.fits", [0.1, 0.2]),
    }
    row = spectrum_row(spectrum, Companions(), Recipe())
    for kind in order:
        row = with_part(row, Given(parts[kind], kind, kind), None)
    assert row.detection["var_prob_b"] == 0.75
    assert len(row.events) == 200
    assert len(row.lightcurve.counts) == 2
    assert row.detection["counts"] == ogip.counts(1)[35:479].sum()


def test_events_above_the_band_alone_are_no_spectrum(tmp_path: Path) -> None:
    columns = events(20)
    columns["energy"][:] = 9000
    path = write_events(tmp_path / "a_evt2.fits", columns)
    with pytest.raises(Quarantined, match=r"no-counts: no events in 0\.5-8\.0 keV"):
        event_row(Given(path, "f", "events"), open_event_file(path), None, "f", Companions(), Recipe())
    columns["energy"][:5] = 2000
    path = write_events(tmp_path / "a_evt2.fits", columns)
    row = event_row(Given(path, "f", "events"), open_event_file(path), None, "f", Companions(), Recipe())
    assert row.detection["counts"] == 5
    assert np.count_nonzero(row.observation.counts) == 2
