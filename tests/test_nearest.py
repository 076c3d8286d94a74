"""The ways to search for neighbours, which all find the same."""

import naive
import numpy as np
import pytest
from chandra_embed.inference import cells
from chandra_embed.inference.cells import find_near_cells
from chandra_embed.inference.nearest import find_nearest
from chandra_embed.inference.similarity import rounding_band
from chandra_embed.inference.twins import find_twins


def clustered(n, d=8, kinds=9, spread=0.05):
    rng = np.random.default_rng(4)
    x = rng.normal(size=(kinds, d))[rng.integers(0, kinds, n)] + spread * rng.normal(size=(n, d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_twins_of_a_clustered_catalog_are_found_by_cells(threads, monkeypatch):
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", str(threads))
    for name, value in {"FEWEST_TO_SEARCH": 500, "BLOCK": 500, "CLUSTER": 50}.items():
        monkeypatch.setattr(cells, name, value)
    different = clustered(600)
    x = different[np.random.default_rng(5).permutation(np.repeat(np.arange(600), 2))]
    twins, seen = find_twins(x), []
    assert find_near_cells(x[twins.first], 6, rounding_band(8)) is not None
    index, similarity = find_nearest(x, 6, on_rows=seen.append)
    expected = naive.nearest_neighbors(x, 6)
    assert np.array_equal(index, expected[0])
    assert np.array_equal(similarity, expected[1])
    assert sum(seen) == 1200


def test_similarities_are_float64_and_nothing_is_asked_of_no_rows():
    x = clustered(20)
    index, similarity = find_nearest(x, 2, x[:3])
    assert (index.dtype, similarity.dtype) == (np.int64, np.float64)
    assert find_nearest(x, 0)[0].shape == (20, 0)
