"""The file that simulate writes: complete, said to be simulated, with units and truth."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.event_table import has_events, read_events
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.simulate.lightcurves import KINDS
from chandra_embed.inference.simulate.output import DRAWS, NO_CATALOG, TRUTH, write_simulation
from chandra_embed.inference.simulate.population import background, draw
from chandra_embed.inference.simulate.response import acis_response
from chandra_embed.inference.simulate.spectra import expected_counts, simulate_row
from chandra_embed.inference.variability import variability_columns

N = 259  # not a multiple of the chunk of 256


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("simulated") / "spectra.h5"
    steps: list[int] = []
    write_simulation(made, N, 4, Recipe(), step=steps.append)
    assert steps == [256, 3]
    return made


def test_every_dataset_has_unit_and_description(path: Path) -> None:
    bad: list[str] = []

    def check(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset) and not {"unit", "description"} <= set(item.attrs):
            bad.append(name)

    with store.open_store(path, store.SPECTRA) as file:
        file.visititems(check)
    assert bad == []


def test_the_file_says_that_it_is_simulated(path: Path) -> None:
    with store.open_store(path, store.SPECTRA) as file:
        assert file.attrs["simulated"]
        assert file.attrs["seed"] == 4
        assert file.attrs["draws"] == DRAWS
        assert "not calibration data" in file.attrs["response"]
        assert "quantiles" in file.attrs["population"]
        assert file.attrs["recipe_fingerprint"] == Recipe().fingerprint
        assert (store.read_column(file, "obs_id") == "simulated").all()
        assert (store.read_column(file, "name") == "").all()
        for key in ("obsid", "obi", "region_id"):
            assert (store.read_column(file, key) == -1).all()


@pytest.mark.parametrize("row", [0, 255, 256, N - 1])
def test_rows_stand_where_they_belong(path: Path, row: int) -> None:
    s = simulate_row(row, 4, Recipe())
    truth = {**NO_CATALOG, **s.truth}
    with store.open_store(path, store.SPECTRA) as file:
        assert store.row_count(file) == N
        np.testing.assert_array_equal(file["spectrum/value"][row], s.value)
        np.testing.assert_array_equal(file["spectrum/error"][row], s.error)
        np.testing.assert_array_equal(file["truth/value"][row], s.truth_value)
        np.testing.assert_array_equal(file["counts/source"][row], s.observation.counts)
        np.testing.assert_array_equal(file["counts/background"][row], s.observation.background)
        assert file["counts/scale"][row] == pytest.approx(1 / s.truth["backscal_ratio"])
        for name, dtype, _, _ in TRUTH:
            stored = file["truth"][name][row]
            if dtype.startswith("str"):
                assert stored.decode() == truth[name]
            else:
                np.testing.assert_equal(stored, truth[name])
        assert store.read_column(file, "net_counts")[row] == s.detection["net_counts"]
        assert store.read_column(file, "class")[row] == s.truth["shape"]


def test_long_names_of_responses_are_cut_between_characters(tmp_path: Path) -> None:
    from dataclasses import replace

    from chandra_embed.inference.simulate.response import acis_response

    long = replace(acis_response("FI", 1.0, 0.0), name="a" + "é" * 200)
    write_simulation(tmp_path / "s.h5", 1, 0, Recipe(), [long])
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert file["truth/response"][0].decode() == "a" + "é" * 127
        assert file.attrs["response"] == "1 pairs of ARF and RMF files"


def test_a_run_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_simulation(tmp_path / "s.h5", 300, 0, Recipe(), step=stop)
    assert list(tmp_path.iterdir()) == []
    write_simulation(tmp_path / "s.h5", 2, 0, Recipe())
    before = (tmp_path / "s.h5").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        write_simulation(tmp_path / "s.h5", 300, 0, Recipe(), step=stop)
    assert (tmp_path / "s.h5").read_bytes() == before


def test_events_stand_in_the_file(path: Path) -> None:
    """Each row's events make up its counts again, and its variability is measured on them."""
    with store.open_store(path, store.SPECTRA) as file:
        assert has_events(file)
        rows = read_events(file, 0, N)
        counts, measured = file["counts/source"][()], store.read_column(file, "var_prob_b")
        kinds = file["truth/light_curve"].asstr()[()]
        exposure = store.read_column(file, "exposure")
    assert set(kinds) <= set(KINDS)
    for i, events in enumerate(rows):
        assert events is not None
        assert len(events) == counts[i].sum()
        assert events.livetime == pytest.approx(exposure[i])
        assert measured[i] == variability_columns(events)["var_prob_b"]


def test_spectra_do_not_depend_on_the_events() -> None:
    """Frozen bundles were trained on these rows: their random numbers come before and apart."""
    rng = np.random.default_rng(np.random.SeedSequence([4, 7]))
    d = draw(rng)
    s = simulate_row(7, 4, Recipe())
    response = acis_response(d.chip, d.epoch, d.theta)
    expected, _ = expected_counts(d, response)
    behind = background(d)
    np.testing.assert_array_equal(s.observation.counts, rng.poisson(expected + behind))
    np.testing.assert_array_equal(s.observation.background, rng.poisson(behind * d.ratio))
