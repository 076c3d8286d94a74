"""Pairs of rows of one source."""

import naive
import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.network import pairs
from chandra_embed.inference.network.pairs import same_source_pairs


def listed(source_id):
    i, j = same_source_pairs(source_id)
    assert i.dtype == j.dtype == np.int64
    return list(zip(i.tolist(), j.tolist(), strict=True))


@pytest.mark.parametrize("sources", [1, 3, 20, 200])
def test_all_pairs_of_a_source_in_order(sources):
    names = np.random.default_rng(sources).integers(0, sources, 60).astype(str)
    assert listed(names) == naive.same_source_pairs(names.tolist())


@pytest.mark.parametrize("kind", [str, object, "S8"])
def test_a_row_without_a_name_is_a_source_of_its_own(kind):
    names = np.array(["", "a", "", "b", "a", "a"], dtype=kind)
    assert listed(names) == [(1, 4), (1, 5), (4, 5)]


def test_whole_numbers_name_sources_too():
    assert listed(np.array([7, 0, 0, 7])) == [(0, 3), (1, 2)]


@pytest.mark.parametrize("names", [[], ["a"], ["", ""]])
def test_no_pairs(names):
    assert listed(np.array(names, dtype=str)) == []


def test_only_a_column_is_taken():
    with pytest.raises(ValueError, match="one source a row"):
        same_source_pairs([["a"]])


def test_a_name_that_can_hardly_be_a_source_is_refused(monkeypatch):
    monkeypatch.setattr(pairs, "MAX_PAIRS", 9)
    assert len(listed(["x"] * 4 + ["y"] * 3)) == 9
    with pytest.raises(ChandraEmbedError, match=r"'x' stands in 5 rows.*--all-detections"):
        same_source_pairs(["x"] * 5 + ["y"])
    monkeypatch.undo()
    with pytest.raises(ChandraEmbedError, match="'one' stands in 20,000 rows"):
        same_source_pairs(np.full(20_000, "one"))
