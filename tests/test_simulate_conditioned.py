"""Simulated detections that follow a catalog table: bands kept, gaps imputed and named, rows independent."""

from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.hardness import BANDS
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.simulate import conditioned
from chandra_embed.inference.simulate.catalog import Catalog, read_catalog
from chandra_embed.inference.simulate.classes import CLASSES
from chandra_embed.inference.simulate.conditioned import Conditions, simulate_catalog, simulate_catalog_row
from chandra_embed.inference.simulate.impute import DetectionPool, ErrorFree, find_pool
from chandra_embed.inference.simulate.output import write_catalog_simulation
from chandra_embed.inference.simulate.population import MAX_COUNTS
from chandra_embed.inference.simulate.response import acis_response

COUNTS = (
    "name,class,livetime,theta,src_cnts_aper_s,src_cnts_aper_m,src_cnts_aper_h,"
    """obsid,obi,region_id,gti_obs
2CXO J000000.0+000001,CV,20000,3.0,41.6,70.2,55.4,11,0,1,2005-07-01T00:00:00
2CXO J000000.0+000002,LMXB,20000,12.0,0,900,12000,12,0,2,2012-07-01T00:00:00
2CXO J000000.0+000003,PULSAR,5000,1.0,0,0,0,13,0,3,2001-07-01T00:00:00
2CXO J000000.0+000004,,5000,1.0,3.4,,9.7,14,0,4,2001-07-01T00:00:00
2CXO J000000.0+000005,AGN,50000,1.0,200,300,400,15,0,5,2001-07-01T00:00:00
"""
)


def table(path: Path, text: str) -> Catalog:
    path.write_text(text)
    return read_catalog(path)


def conditions(catalog: Catalog, **settings: object) -> Conditions:
    return Conditions(catalog, 5, Recipe(), DetectionPool.quantiles(), **settings)


@pytest.fixture
def counted(tmp_path: Path) -> Conditions:
    return conditions(table(tmp_path / "counts.csv", COUNTS))


def fluxes(tmp_path: Path, n: int = 16) -> Catalog:
    """A table of band fluxes with errors of a tenth, two rows a class."""
    rng = np.random.default_rng(0)
    lines = ["name,True_Class,Fs,e_Fs,Fm,e_Fm,Fh,e_Fh,Fb,CSCv2_S/N"]
    for i in range(n):
        f = 3e-14 * np.exp(rng.normal(size=3))
        cells = ",".join(f"{x:.3e},{x / 10:.3e}" for x in f)
        lines.append(f"2CXO J{i:06d}.0+000001,{CLASSES[i % 8]},{cells},{f.sum():.3e},15")
    return table(tmp_path / "fluxes.csv", "\n".join(lines))


@pytest.mark.parametrize("index", [0, 1, 2, 4])
def test_band_counts_of_the_table_are_kept(
    counted: Conditions, index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditioned, "background", lambda d, response=None: np.zeros(1024))
    row = counted.catalog.rows[index]
    made = simulate_catalog_row(index, counted, ErrorFree.fit(counted.catalog))
    band = conditioned.band_of_channels(acis_response("FI", 1.0, 0.0).redistribution)
    for i in range(3):
        assert made.observation.counts[band == i].sum() == np.rint(row.counts[i])
    assert made.detection["exposure"] == row.exposure
    assert made.detection["theta"] == row.theta
    assert (made.detection["obsid"], made.detection["region_id"]) == (row.obsid, row.region_id)
    assert made.detection["class"] == row.kind
    assert made.detection["date_obs"][:4] in ("2001", "2005", "2012")
    assert made.truth["imputed"] == ""


def test_a_channel_belongs_to_one_band_and_none_lies_between() -> None:
    r = acis_response("FI", 1.0, 0.0).redistribution
    band = conditioned.band_of_channels(r)
    inside = np.flatnonzero(band >= 0)
    assert (np.diff(inside) == 1).all()
    assert (np.diff(band[inside]) >= 0).all()
    assert r.channel_lo[inside[0]] >= 0.5
    assert r.channel_hi[inside[-1]] <= 7.0
    for i, (lo, hi) in enumerate(BANDS.values()):
        centre = ((r.channel_lo + r.channel_hi) / 2)[band == i]
        assert lo <= centre.min() <= centre.max() <= hi


def test_counts_outside_the_bands_are_bounded() -> None:
    bands = np.array([-1, 0, 1, 2, -1])
    some = np.array([3.0, 5.0, 6.0, 7.0, 1.0])
    np.testing.assert_array_equal(conditioned.hold_outside(some, bands), some)
    many = np.array([4e8, 5.0, 6.0, 7.0, 1e8])
    held = conditioned.hold_outside(many, bands)
    np.testing.assert_array_equal(held[1:4], many[1:4])
    assert held[bands < 0].sum() == pytest.approx(MAX_COUNTS)
    assert held[0] / held[4] == pytest.approx(4)


def test_energy_fluxes_are_kept_before_the_poisson_draw(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    c = conditions(fluxes(tmp_path))
    wanted: list[np.ndarray] = []
    draw = ErrorFree.draw

    def watch(self: ErrorFree, row: object, rng: np.random.Generator) -> np.ndarray:
        wanted.append(draw(self, row, rng))
        return wanted[-1]

    monkeypatch.setattr(ErrorFree, "draw", watch)
    for made, flux in zip(simulate_catalog(c), wanted, strict=False):
        photons = np.array([made.truth[f"photflux_{b}"] for b in "smh"])
        # mean photon energy of a band lies inside the band
        energy = flux / photons / 1.602176634e-9
        for value, (lo, hi) in zip(energy, BANDS.values(), strict=True):
            assert lo < value < hi
        assert made.truth["imputed"] == "exposure theta epoch"
        assert made.truth["photon_flux"] == pytest.approx(photons.sum())
    assert len(wanted) == 16


def test_the_factor_that_makes_up_for_the_bands_has_no_step() -> None:
    r = acis_response("BI", 5.0, 2.0).redistribution
    energy = (r.energy_lo + r.energy_hi) / 2
    band = conditioned._band_of_energies(r)
    values, target = energy**-1.7, np.array([3.0, 1.0, 8.0])
    factor = conditioned._factor(values, band, target, r)
    assert np.abs(np.diff(np.log(factor))).max() < 0.2
    np.testing.assert_allclose(conditioned._sums(values * factor, band), target, rtol=0.02)


def test_a_row_depends_on_no_other_and_comes_again_with_other_counts(counted: Conditions) -> None:
    free = ErrorFree.fit(counted.catalog)
    rows = list(simulate_catalog(counted, 9))
    alone = simulate_catalog_row(6, counted, free)
    np.testing.assert_array_equal(rows[6].value, alone.value)
    assert rows[6].truth == pytest.approx(alone.truth, nan_ok=True)
    assert rows[6].detection["source_id"] == rows[1].detection["source_id"] == "2CXO J000000.0+000002"
    assert not np.array_equal(rows[6].value, rows[1].value)
    assert rows[6].detection["file"] != rows[1].detection["file"]


def test_a_row_without_counts_and_one_without_a_band(counted: Conditions) -> None:
    rows = list(simulate_catalog(counted))
    for made in rows:
        assert np.isfinite(made.value).all()
        assert np.isfinite(made.truth_value).all()
    assert rows[2].truth["net_counts"] < 2
    assert rows[3].detection["class"] == ""
    assert rows[3].truth["net_counts"] > 12


def test_without_spread_all_of_a_class_are_alike(tmp_path: Path) -> None:
    rows = list(simulate_catalog(conditions(fluxes(tmp_path), spread=0.0)))
    for i in range(8):
        first, second = rows[i].truth, rows[i + 8].truth
        assert {k: first[k] for k in ("shape", "nh")} == {k: second[k] for k in ("shape", "nh")}
    wide = list(simulate_catalog(conditions(fluxes(tmp_path))))
    assert wide[0].truth["nh"] != wide[8].truth["nh"]


def test_a_table_of_names_alone_is_simulated_as_faint_sources(tmp_path: Path) -> None:
    c = conditions(table(tmp_path / "names.csv", "name\n2CXO J000000.0+000001\n2CXO J000000.0+000002\n"))
    for made in simulate_catalog(c):
        assert np.isfinite(made.value).all()
        assert "exposure" in made.truth["imputed"]


def test_the_file_names_its_table_and_is_whole(tmp_path: Path) -> None:
    c = conditions(fluxes(tmp_path))
    write_catalog_simulation(tmp_path / "s.h5", c, 20)
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        assert file.attrs["simulated"]
        assert file.attrs["catalog"] == "fluxes.csv"
        assert file.attrs["catalog_sha256"] == c.catalog.sha256
        assert file.attrs["spread"] == 1.0
        assert "quantiles" in file.attrs["imputed_from"]
        assert file["truth/catalog_row"][:].tolist() == [*range(16), *range(4)]
        assert len(set(store.read_column(file, "source_id"))) == 16
        assert np.isfinite(store.read_column(file, "hard_ms")).mean() > 0.8


@pytest.mark.real
def test_every_row_of_a_real_table_can_be_simulated(chandra_data: Path) -> None:
    catalog = read_catalog(chandra_data / "tables" / "muwclass_TD.csv")
    assert len(catalog.rows) == 2080
    assert {row.kind for row in catalog.rows} == set(CLASSES)
    c = conditions(catalog)
    free = ErrorFree.fit(catalog)
    for index in range(0, 2080, 130):
        made = simulate_catalog_row(index, c, free)
        assert np.isfinite(made.value).all()
        assert made.detection["class"] == catalog.rows[index].kind
        assert made.truth["imputed"] == "exposure theta epoch"


@pytest.mark.real
def test_a_redshifted_soft_excess_floods_no_memory(chandra_data: Path) -> None:
    catalog = read_catalog(chandra_data / "tables" / "muwclass_TD.csv")
    c = Conditions(catalog, 11, Recipe(), find_pool())
    made = simulate_catalog_row(11063, c, ErrorFree.fit(catalog))  # 5e8 photons at 0.25 keV without a bound
    assert MAX_COUNTS / 2 < made.observation.counts.sum() < 2 * MAX_COUNTS
