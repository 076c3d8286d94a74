"""Imputed exposures and places, and fluxes with the measurement error taken off."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.simulate.catalog import Catalog, CatalogRow, read_catalog
from chandra_embed.inference.simulate.impute import NEIGHBOURS, DetectionPool, ErrorFree, complete
from numpy.typing import NDArray

NAN = float("nan")
BLANK = CatalogRow(
    row=0,
    name="a",
    source_id="a",
    kind="",
    label="",
    obsid=-1,
    obi=-1,
    region_id=-1,
    ra=NAN,
    dec=NAN,
    exposure=NAN,
    theta=NAN,
    epoch=NAN,
    counts=np.full(3, NAN),
    flux=np.full(3, NAN),
    flux_error=np.full(3, NAN),
    flux_b=NAN,
    significance=NAN,
    gamma=NAN,
    nh=NAN,
    kt=NAN,
    var_prob_b=NAN,
)


def catalog(rows: list[CatalogRow]) -> Catalog:
    return Catalog("made.csv", "0" * 64, tuple(rows), {}, {})


def pool_file(tmp_path: Path) -> Path:
    """Detections whose exposure tells their flux and whose angle tells their significance."""
    lines = ["name,livetime,theta,gti_obs,flux_aper_b,flux_significance_b,instrument"]
    for i in range(40):
        for j in range(40):
            flux, significance = 10 ** (-16 + i / 10), 10 ** (j / 20)
            lines.append(f"a{i},{1000 * (i + 1)},{j / 4},2003-01-01T00:00:00,{flux},{significance},ACIS")
    lines.append("b,99999,0,2003-01-01T00:00:00,1e-14,10,HRC")
    path = tmp_path / "pool.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_pool_draws_from_the_nearest(tmp_path: Path) -> None:
    pool = DetectionPool.read([pool_file(tmp_path)])
    assert len(pool.exposure) == 1600
    rng = np.random.default_rng(0)
    drawn = np.array([pool.draw(1e-14, 10.0, rng) for _ in range(300)])
    assert len(np.unique(drawn[:, :2], axis=0)) == NEIGHBOURS
    assert abs(drawn[:, 0] - 21000).max() <= 3000
    assert abs(drawn[:, 1] - 5).max() <= 0.75
    assert (drawn[:, 2] == 4).all()
    assert "pool.csv" in pool.description


def test_pool_with_one_or_none_known(tmp_path: Path) -> None:
    pool = DetectionPool.read([pool_file(tmp_path)])
    rng = np.random.default_rng(0)
    only_flux = np.array([pool.draw(1e-14, NAN, rng) for _ in range(100)])
    assert (only_flux[:, 0] == 21000).all()
    only_significance = np.array([pool.draw(0.0, 10.0, rng) for _ in range(100)])
    assert (only_significance[:, 1] == 5).all()
    neither = np.array([pool.draw(NAN, -1.0, rng) for _ in range(500)])
    assert neither[:, 0].min() < 4000
    assert neither[:, 0].max() > 37000
    far = pool.draw(1e-3, 1e6, rng)
    assert far[0] > 36000


def test_pool_with_unknown_fluxes(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("name,livetime,theta,flux_aper_b\na,5000,1,\nb,6000,2,0\nc,,3,1e-14\n")
    pool = DetectionPool.read([path])
    exposure, theta, epoch = pool.draw(1e-14, 5.0, np.random.default_rng(1))
    assert (exposure, theta) in {(5000, 1), (6000, 2)}
    assert 0.7 <= epoch <= 23  # the table gives none


def test_pool_needs_detections(tmp_path: Path) -> None:
    path = tmp_path / "sources.csv"
    path.write_text("name,Fs\na,1e-15\n")
    with pytest.raises(ChandraEmbedError, match="not a table of detections"):
        DetectionPool.read([path])


def test_quantiles_stand_in() -> None:
    pool = DetectionPool.read([])
    rng = np.random.default_rng(2)
    exposure, _, _ = pool.draw(1e-14, 5.0, rng)
    # 25 / 0.71 counts at 8.3e-12 erg cm^-2 a count
    assert exposure == pytest.approx(25 / 0.71 * 8.3e-12 / 1e-14)
    assert pool.draw(1e-17, 50.0, rng)[0] == 190e3
    assert pool.draw(1e-10, 1.0, rng)[0] == 1e3
    drawn = np.array([pool.draw(NAN, 5.0, rng) for _ in range(2000)])
    assert np.median(drawn[:, 0]) == pytest.approx(28e3, rel=0.1)
    assert np.median(drawn[:, 1]) == pytest.approx(4.5, rel=0.1)
    assert "quantiles" in pool.description


def test_complete_fills_only_what_is_lacking(tmp_path: Path) -> None:
    pool = DetectionPool.read([pool_file(tmp_path)])
    row = replace(BLANK, theta=7.0, flux=np.array([5e-15, 3e-15, 2e-15]), significance=10.0)
    rng = np.random.default_rng(3)
    full = complete(row, pool, rng)
    assert full.imputed == ("exposure", "epoch")
    assert full.theta == 7.0
    assert full.exposure == pytest.approx(21000, abs=3000)  # the bands add up to 1e-14
    assert full.epoch == 4
    again = complete(full, pool, np.random.default_rng(3))
    assert (again.exposure, again.imputed) == (full.exposure, full.imputed)
    # the stream goes on at one place whatever the row lacked
    state = rng.random()
    rng = np.random.default_rng(3)
    complete(full, pool, rng)
    assert rng.random() == state


MEAN = np.log([3e-15, 5e-15, 2e-14])
COVARIANCE = np.array([[1.5, 0.9, 0.6], [0.9, 1.2, 0.8], [0.6, 0.8, 1.4]])


def gaussian_rows(
    n: int, noise: float, rng: np.random.Generator, kind: str = "AGN"
) -> tuple[NDArray[np.float64], list[CatalogRow]]:
    """Return true fluxes and rows measured with errors of `noise` times the flux."""
    truth = np.exp(rng.multivariate_normal(MEAN, COVARIANCE, n))
    error = noise * truth
    flux = truth + error * rng.standard_normal(truth.shape)
    return truth, [
        replace(BLANK, row=i, kind=kind, flux=np.maximum(flux[i], 0.0), flux_error=error[i]) for i in range(n)
    ]


@pytest.mark.parametrize("noise", [0.05, 0.12])
def test_moments_of_the_truth_come_back(noise: float) -> None:
    rng = np.random.default_rng(4)
    truth, rows = gaussian_rows(2000, noise, rng)
    model = ErrorFree.fit(catalog(rows))
    drawn = np.log([model.draw(row, rng) for row in rows])
    # a Gaussian error read as counts moves ln flux by (e/F)^2 at most
    np.testing.assert_allclose(drawn.mean(axis=0), np.log(truth).mean(axis=0), atol=0.01 + noise**2)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(np.log(truth).T), atol=0.03)
    np.testing.assert_allclose(model.mean["AGN"], MEAN, atol=0.08)
    np.testing.assert_allclose(model.covariance["AGN"], COVARIANCE, atol=0.15)


def counted_rows(
    n: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], list[CatalogRow]]:
    """Return true fluxes, counts of some 10 a band, the flux of one count, and rows measured so."""
    truth = np.exp(rng.multivariate_normal(MEAN, COVARIANCE, n))
    one = np.array([5e-16, 4e-16, 2e-15])
    counts = rng.poisson(truth / one)
    error = np.where(counts > 0, np.sqrt(counts) * one, NAN)
    rows = [replace(BLANK, flux=counts[i] * one, flux_error=error[i]) for i in range(n)]
    return truth, counts, one, rows


def test_truth_and_noise_make_the_measured() -> None:
    rng = np.random.default_rng(5)
    truth, counts, one, rows = counted_rows(4000, rng)
    model = ErrorFree.fit(catalog(rows))
    drawn = np.array([model.draw(row, rng) for row in rows])

    def moments(values: NDArray[np.generic]) -> NDArray[np.float64]:
        logs = np.log(np.asarray(values) + 0.5)
        return np.concatenate([logs.mean(axis=0), logs.std(axis=0), np.diff(logs, axis=1).std(axis=0)])

    np.testing.assert_allclose(moments(drawn / one), moments(truth / one), atol=0.03)
    np.testing.assert_allclose(moments(rng.poisson(drawn / one)), moments(counts), atol=0.04)
    # where noise is put on the measured it counts twice, and colours are wider than they were
    assert (moments(rng.poisson(counts)) - moments(counts))[6:].min() > 0.1


def test_empty_bands() -> None:
    rng = np.random.default_rng(6)
    _, counts, one, rows = counted_rows(4000, rng)
    model = ErrorFree.fit(catalog(rows))
    np.testing.assert_allclose(model.event, np.log(one) - np.log(one).mean(), atol=1e-6)
    drawn = np.array([model.draw(row, rng) for row in rows])
    again = rng.poisson(drawn / one)
    assert (counts == 0).mean() > 0.02
    np.testing.assert_allclose((again == 0).mean(axis=0), (counts == 0).mean(axis=0), atol=0.01)
    # an empty band is fainter than what the others alone would say
    blind = replace(rows[0], flux=np.array([0.0, 5e-15, 2e-14]), flux_error=np.array([NAN, 1e-15, 4e-15]))
    unseen = replace(blind, flux=np.array([NAN, 5e-15, 2e-14]))
    empty, free = (np.median([model.draw(r, rng)[0] for _ in range(400)]) for r in (blind, unseen))
    assert empty < 0.5 * free


def test_sharp_fluxes_stay_and_bright_classes_keep_their_place() -> None:
    rng = np.random.default_rng(7)
    _, rows = gaussian_rows(200, 0.2, rng)
    _, few = gaussian_rows(3, 0.2, rng, kind="CV")
    model = ErrorFree.fit(catalog([*rows, *few]))
    assert set(model.mean) == {"", "AGN"}  # three members are too few
    sharp = replace(few[0], flux=np.array([1e-12, 2e-12, 3e-12]), flux_error=np.full(3, 1e-40))
    drawn = np.array([model.draw(sharp, rng) for _ in range(50)])
    np.testing.assert_allclose(drawn, np.tile(sharp.flux, (50, 1)), rtol=0.01)


def test_rows_without_fluxes_or_errors() -> None:
    rng = np.random.default_rng(8)
    _, rows = gaussian_rows(300, 0.2, rng)
    model = ErrorFree.fit(catalog(rows))
    free = np.array([model.draw(replace(BLANK, kind="AGN"), rng) for _ in range(1500)])
    np.testing.assert_allclose(np.log(free).mean(axis=0), model.mean["AGN"], atol=0.15)
    assert model.draw(replace(BLANK, flux_b=3e-13), rng).sum() == pytest.approx(3e-13)
    # an error that is not given follows from counts or significance, else the flux hardly counts
    flux = np.array([1e-14, 1e-14, 1e-14])
    spread = [
        np.log([model.draw(row, rng)[0] for _ in range(400)]).std()
        for row in (
            replace(BLANK, flux=flux, counts=np.full(3, 400.0)),
            replace(BLANK, flux=flux, significance=np.sqrt(1200)),
            replace(BLANK, flux=flux),
        )
    ]
    assert spread[0] == pytest.approx(0.05, rel=0.2)
    assert spread[1] == pytest.approx(0.05, rel=0.2)
    assert spread[2] > 0.3
    nothing = ErrorFree.fit(catalog([BLANK]))
    assert np.isnan(nothing.draw(rows[0], rng)).all()


def test_one_row_fits() -> None:
    row = replace(BLANK, flux=np.array([1e-14, 0.0, NAN]), flux_error=np.array([1e-15, 1e-15, NAN]))
    drawn = ErrorFree.fit(catalog([row])).draw(row, np.random.default_rng(9))
    assert (drawn > 0).all()


@pytest.mark.real
def test_real_fluxes_tell_classes_as_before(chandra_data: Path) -> None:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    tables = chandra_data / "tables"
    c = read_catalog(tables / "muwclass_TD.csv")
    pool = DetectionPool.read(
        [tables / "csc2_detections_labelled.csv", tables / "csc2_detections_globular_clusters.csv.gz"]
    )
    rng = np.random.default_rng(10)
    model = ErrorFree.fit(c)
    truth = np.array([model.draw(row, rng) for row in c.rows])
    flux, error = (np.array([getattr(row, name) for row in c.rows]) for name in ("flux", "flux_error"))
    again = truth + np.where(np.isfinite(error), error, 3e-16) * rng.standard_normal(truth.shape)
    kind = np.array([row.kind for row in c.rows])

    def told(values: NDArray[np.float64]) -> float:
        logs = np.log(np.maximum(values, 8e-18))
        features = np.column_stack([np.diff(logs, axis=1), np.log(np.maximum(values, 8e-18).sum(axis=1))])
        forest = RandomForestClassifier(30, class_weight="balanced", min_samples_leaf=3, random_state=0)
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        return float(balanced_accuracy_score(kind, cross_val_predict(forest, features, kind, cv=folds)))

    # 22 HMXB and 37 CV: balanced accuracy is good to about 0.03
    assert abs(told(flux) - told(again)) < 0.07
    full = [complete(row, pool, rng) for row in c.rows[:300]]
    assert {row.imputed for row in full} == {("exposure", "theta", "epoch")}
    assert 1e4 < np.median([row.exposure for row in full]) < 1e5
