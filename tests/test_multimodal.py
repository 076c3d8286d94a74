"""The Multimodal Universe's layout: variable-length and padded rows, and rows that cannot be used."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.catalog.ingest import ingest
from chandra_embed.inference.catalog.multimodal import is_collection, read_collection
from chandra_embed.inference.errors import Quarantined
from chandra_embed.inference.recipe import Recipe

LO = np.array([0.6, 1.0, 2.0])
HI = np.array([1.0, 2.0, 7.0])


def write(path: Path, rows: list[tuple[Any, Any, Any, Any]], **more: Any) -> Path:
    with h5py.File(path, "w") as file:
        for i, name in enumerate(("ene_lo", "ene_hi", "flux", "flux_err")):
            dataset = file.create_dataset(f"spectrum_{name}", (len(rows),), dtype=h5py.vlen_dtype(float))
            for j, row in enumerate(rows):
                dataset[j] = row[i]
        for name, values in more.items():
            file[name] = values
    return path


def test_rows_become_spectra(tmp_path: Path) -> None:
    path = write(
        tmp_path / "c.hdf5", [(LO, HI, [1.0, 2.0, 3.0], [0.1] * 3)], obsid=[4], name=np.array([b"2CXO J1 "])
    )
    row = next(iter(read_collection(path, Recipe())))
    assert row.detection["name"] == "2CXO J1"
    assert row.detection["obsid"] == 4
    summary = ingest([tmp_path], tmp_path / "s.h5", Recipe())
    assert summary.used == 1
    with store.open_store(tmp_path / "s.h5", store.SPECTRA) as file:
        value, edges = file["spectrum/value"][0], file["spectrum/energy_edges"][...]
        assert (value * np.diff(edges)).sum() == pytest.approx(0.4 * 1 + 1 * 2 + 5 * 3, rel=1e-6)
        assert np.isnan(store.read_column(file, "net_counts")[0])
        assert file["counts/grid"][0] == -1


def test_each_row_has_its_own_fate(tmp_path: Path) -> None:
    good = (LO, HI, [1.0, 2.0, 3.0], [0.1] * 3)
    rows = [
        good,
        ([], [], [], []),
        (LO, HI, [1.0, np.nan, 3.0], [0.1] * 3),
        (LO, HI, [1.0, 2.0], [0.1] * 2),
        ([0.6, 0.8], [1.0, 1.2], [1.0, 1.0], [0.1, 0.1]),
        good,
    ]
    summary = ingest([write(tmp_path / "c.hdf5", rows)], tmp_path / "s.h5", Recipe())
    assert (summary.given, summary.used, summary.quarantined) == (6, 2, 4)
    assert [path for path, _ in summary.quarantine] == [f"c.hdf5#{i}" for i in (1, 2, 3, 4)]
    reasons = [reason.split(":")[0] for _, reason in summary.quarantine]
    assert reasons == ["no-counts", "not-finite", "unreadable", "unreadable"]


def test_a_key_that_is_no_number_is_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "c.hdf5", [(LO, HI, [1.0, 2.0, 3.0], [0.1] * 3)], obsid=[np.nan])
    assert next(iter(read_collection(path, Recipe()))).detection["obsid"] == -1


def test_padding_is_no_group(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "c.hdf5", "w") as file:
        file["spectrum_ene_lo"] = [[*LO, 0.0, np.nan]]
        file["spectrum_ene_hi"] = [[*HI, 0.0, np.nan]]
        file["spectrum_flux"] = [[1.0, 2.0, 3.0, 0.0, np.nan]]
        file["spectrum_flux_err"] = [[0.1, 0.1, 0.1, 0.0, np.nan]]
    grouped = next(iter(read_collection(tmp_path / "c.hdf5", Recipe()))).grouped
    assert grouped is not None
    np.testing.assert_array_equal(grouped.lo, LO)


@pytest.mark.parametrize("recipe", [Recipe(quantity="flux"), Recipe(group_min=9)])
def test_other_recipes_are_refused_row_by_row(tmp_path: Path, recipe: Recipe) -> None:
    path = write(tmp_path / "c.hdf5", [(LO, HI, [1.0, 2.0, 3.0], [0.1] * 3)])
    problem = next(iter(read_collection(path, recipe))).problem
    assert problem is not None
    assert problem.reason in ("no-arf", "other-recipe")


def test_not_a_collection(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.hdf5", "w") as file:
        file["x"] = [1]
    assert not is_collection(tmp_path / "x.hdf5")
    with pytest.raises(Quarantined, match="not-ours"):
        list(read_collection(tmp_path / "x.hdf5", Recipe()))
    summary = ingest([tmp_path / "x.hdf5"], tmp_path / "s.h5", Recipe())
    assert (summary.given, summary.quarantined) == (1, 1)
    short = write(tmp_path / "y.hdf5", [(LO, HI, [1.0, 2.0, 3.0], [0.1] * 3)], obsid=[1, 2])
    with pytest.raises(Quarantined, match="differ in length"):
        list(read_collection(short, Recipe()))
