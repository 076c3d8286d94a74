"""The file of normal and rare rows: the generic population, kept, and made anew only when it does not fit."""

import h5py
import numpy as np
import pytest

pytest.importorskip("onnx")

from aligned_bundle import write_aligned_bundle
from chandra_embed.inference.catalog import store
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.simulate.rare import KINDS, Limits
from chandra_embed.inference.simulate.spectra import simulate_row
from chandra_embed.training.evaluation.planted import RATIOS, planted_catalog, read_planted

NORMALS, EACH = 40, 2


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return planted_catalog(tmp_path_factory.mktemp("planted") / "new", Recipe(), NORMALS, EACH)


def test_normal_rows_are_those_of_simulate(path):
    with store.open_store(path, store.SPECTRA) as file:
        assert file.attrs["simulated"]
        assert store.row_count(file) == NORMALS + 3 * EACH
        for row in (0, 17, 39):
            one = simulate_row(row, 9, Recipe())
            np.testing.assert_array_equal(file["spectrum/value"][row], one.value)
            at = file["event/offset"][row : row + 2]
            np.testing.assert_array_equal(file["event/time"][at[0] : at[1]], one.events.time)
        kinds = store.read_column(file, "class")[NORMALS:].tolist()
        assert kinds == [f"rare: {kind}" for kind in KINDS for _ in range(EACH)]
        columns = {name: store.read_column(file, name) for name in ("net_counts", *RATIOS)}
    usable = columns["net_counts"][:NORMALS] >= 40
    limits = Limits.measure({name: values[:NORMALS][usable] for name, values in columns.items()})
    for row in range(NORMALS, NORMALS + 3 * EACH):
        assert limits.hold({name: float(values[row]) for name, values in columns.items()})


def test_a_file_that_fits_is_kept_and_another_replaced(path):
    with h5py.File(path, "r+") as file:
        file.attrs["touched"] = 1
    assert planted_catalog(path.parent, Recipe(), NORMALS, EACH) == path
    with h5py.File(path) as file:
        assert file.attrs["touched"] == 1
    other = planted_catalog(path.parent / "other", Recipe(), 30, 1)
    assert planted_catalog(other.parent, Recipe(), 31, 1) == other
    with h5py.File(other) as file:
        assert file.attrs["normals"] == 31


def test_rows_of_few_counts_or_seen_sources_are_left_out(path, tmp_path):
    found = read_planted(path, write_aligned_bundle(tmp_path / "model"))
    assert set(found.embedding) == {"spectrum", "event", "both"}
    assert found.net_counts.min() >= 40
    assert found.facts["rows"] == len(found.kind) + found.facts["left_out"] == NORMALS + 3 * EACH
    assert (~found.normal).sum() == 3 * EACH
    assert set(found.kind) == {"", *KINDS}
    assert found.hardness.shape == (len(found.kind), 3)
    for rows in found.embedding.values():
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
