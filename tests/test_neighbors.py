"""The kernel that keeps the k best, and the neighbours of chosen detections."""

import json

import h5py
import naive
import numba
import numpy as np
import pytest
from chandra_embed.inference.cli.neighbors import neighbors
from chandra_embed.inference.kernels.neighbors import (
    NO_LIMIT,
    exact_dots,
    offer_columns,
    offer_rows,
    settle,
)
from chandra_embed.inference.neighbors import find_neighbors
from chandra_embed.inference.similarity import rounding_band
from click.testing import CliRunner
from embeddings_file import write_embeddings
from unit_rows import hard_rows, random_rows, tied_rows

N = 40 if numba.config.DISABLE_JIT else 400


def search(x, k, tile, own, disturb):
    """The nearest of every row, from tiles whose values are off by up to `disturb` of the rounding band."""
    n, band = len(x), rounding_band(x.shape[1])
    names, rng = np.arange(n, dtype=np.int32), np.random.default_rng(2)
    room = k + max(2, k // 2)
    lists = np.empty((n, room), np.float32), np.empty((n, room), np.int32)
    held, limit = np.zeros(n, np.int64), np.full(n, NO_LIMIT)
    for a in range(0, n, tile):
        for b in range(a if own else 0, n, tile):
            exact = naive.similarities(x[a : a + tile], x[b : b + tile])
            product = (exact + disturb * band * rng.choice((-1, 1), exact.shape)).astype(np.float32)
            if own and a == b:
                np.fill_diagonal(product, -np.inf)
            rows, columns = slice(a, a + tile), slice(b, b + tile)
            at = [each[rows] for each in (*lists, held, limit)]
            offer_rows(product, names[columns], x[rows], x, k, band, *at)
            if own and a != b:
                at = [each[columns] for each in (*lists, held, limit)]
                offer_columns(product, names[rows], x[columns], x, k, band, *at)
    best, index = np.empty((n, k)), np.empty((n, k), np.int64)
    assert (held >= k).all()
    settle(x, x, *lists, held, best, index)
    return index, best


@pytest.mark.kernel
@pytest.mark.parametrize("disturb", [0.0, 0.9])
@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(("k", "tile"), [(1, 7), (5, 16), (5, 3 * N), (20, N // 3)])
@pytest.mark.parametrize("rows", [hard_rows, tied_rows])
def test_the_lists_keep_the_nearest(rows, k, tile, own, disturb):
    x = rows(N)
    index, value = search(x, k, tile, own, disturb)
    expected = naive.nearest_neighbors(x, k, None if own else x)
    assert np.array_equal(index, expected[0])
    assert np.array_equal(value, expected[1])


@pytest.mark.kernel
@pytest.mark.parametrize("m", [0, 1, 3, 4, 5, 11])
def test_exact_dots_are_those_of_index_order(m):
    x = hard_rows(20)
    where = np.random.default_rng(m).integers(0, 20, m).astype(np.int32)
    out = np.empty(m)
    exact_dots(x[0], x, where, out)
    assert np.array_equal(out, naive.similarities(x[:1], x[where])[0])


def test_detections_of_the_same_source_are_left_out():
    x, source = random_rows(90, 4, shift=1.0), np.repeat([f"s{i}" for i in range(30)], 3)
    for found in find_neighbors(x, source, np.arange(90), k=6):
        values = naive.similarities(x[[found.row]], x)[0]
        others = [j for j in range(90) if source[j] != source[found.row]]
        assert found.rows.tolist() == sorted(others, key=lambda j: (-values[j], j))[:6]
        assert found.same_source == 2
        assert np.array_equal(found.similarity, values[found.rows].astype(np.float32))


def test_all_detections_are_nearest_neighbors():
    x = hard_rows(80)
    expected = naive.nearest_neighbors(x, 4)[0]
    found = find_neighbors(x, np.repeat(["a", "b"], 40), np.arange(80), k=4, all_detections=True)
    assert [each.rows.tolist() for each in found] == expected.tolist()


def test_rows_without_a_source_are_sources_of_their_own():
    found = find_neighbors(hard_rows(10), np.full(10, ""), np.array([3]), k=20)
    assert len(found[0].rows) == 9
    assert found[0].same_source == 0


@pytest.fixture
def file(tmp_path):
    return write_embeddings(tmp_path / "embeddings.h5", 30, per_source=3)


def run(*arguments):
    return CliRunner().invoke(neighbors, [str(each) for each in arguments])


def test_a_name_gives_one_block_a_detection(file):
    result = run(file, "--name", "2CXO J000004", "-k", 4)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("other detections of this source: 2, left out") == 3
    assert "row 12: 2CXO J000004" in result.stdout


@pytest.mark.parametrize("name", ["2cxo j000004", "J000004", "2CXO  J000004"])
def test_names_are_matched_as_people_write_them(file, name):
    assert "row 12: 2CXO J000004" in run(file, "--name", name).stdout


def test_json_holds_what_the_table_shows(file):
    result = run(file, "--obsid", 107, "-k", 4, "--json")
    (block,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert block["detection"]["row"] == 7
    assert block["same_source"] == 2
    assert len(block["neighbors"]) == 4
    first = block["neighbors"][0]
    assert {"similarity", "name", "file", "obsid", "class", "net_counts", "hard_hm"} <= set(first)
    assert first["source_id"] != block["detection"]["source_id"]
    assert first["hard_hs"] is None


def test_a_file_is_found_by_its_base_name(file):
    assert "row 5:" in run(file, "--file", "sim/5.pi").stdout
    assert run(file, "--file", "/somewhere/else/5.pi").stdout == run(file, "--file", "sim/5.pi").stdout


def test_more_than_there_are_is_said(file):
    result = run(file, "--obsid", 100, "-k", 100)
    assert "27 neighbours, not 100" in result.stdout
    assert "29 neighbours, not 100" in run(file, "--obsid", 100, "-k", 100, "--all-detections").stdout


def test_what_is_not_there_is_said_with_what_is(file):
    result = run(file, "--obsid", 99)
    assert result.exit_code == 1
    assert "no detection has obsid 99; there are 100, 101, 102, 103, 104 and 25 more" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("selectors", [(), ("--name", "a", "--obsid", 1)])
def test_exactly_one_selector_is_wanted(file, selectors):
    result = run(file, *selectors)
    assert result.exit_code == 2
    assert "exactly one of" in result.stderr


def test_degrees_stand_beside_where_the_file_is_scored(file):
    import h5py

    with h5py.File(file, "r+") as opened:
        opened["score/degree"] = np.arange(60).reshape(2, 30)
        opened["score/degree"].attrs["thresholds"] = [0.5, 0.9]
    result = run(file, "--obsid", 100, "-k", 2, "--json")
    near = json.loads(result.stdout)["neighbors"][0]
    assert near["degree 0.9"] == near["degree 0.5"] + 30
    assert "degree 0.5" in run(file, "--obsid", 100).stdout


def test_simulated_is_said(tmp_path):
    file = write_embeddings(tmp_path / "embeddings.h5", 6, simulated=True)
    assert "simulated" in run(file, "--obsid", 100).stdout


def test_an_empty_file_has_nothing_to_match(tmp_path):
    result = run(write_embeddings(tmp_path / "embeddings.h5", 0), "--obsid", 1)
    assert result.exit_code == 1
    assert "the column is empty" in result.stderr


def test_detections_without_an_embedding_are_nobodys_neighbours_and_said(file):
    with h5py.File(file, "r+") as opened:
        x = opened["embedding"][...]
        x[[2, 5]] = np.nan
        opened["embedding"][...] = x
        obsid = opened["detection/obsid"][...]
    found = run(file, "--obsid", obsid[0], "-k", 100)
    assert found.exit_code == 0, found.output
    assert "note: 2 detections have no embedding and are nobody's neighbours" in found.stdout
    (block,) = find_neighbors(x, np.array([""] * len(x)), np.array([0]), k=100)
    there = np.setdiff1d(np.arange(1, len(x)), [2, 5])
    assert set(block.rows) == set(there)
    order = np.lexsort((there, -naive.similarities(x[[0]], x[there])[0]))
    assert block.rows.tolist() == there[order].tolist()
    own = run(file, "--obsid", obsid[5])
    assert own.exit_code == 0
    assert "note: this detection has no embedding, and no neighbours" in own.stdout
    line = json.loads(run(file, "--obsid", obsid[5], "--json").stdout)
    assert (line["without_embedding"], line["embedded"], line["neighbors"]) == (2, False, [])


def test_the_angle_on_the_sky_stands_beside(file):
    import h5py

    with h5py.File(file, "r+") as opened:
        opened["detection/ra"][...] = 10.0
        opened["detection/dec"][...] = np.arange(30) / 3600
        opened["detection/dec"][20] = np.nan
    result = run(file, "--obsid", 100, "-k", 27, "--json")
    near = json.loads(result.stdout)["neighbors"]
    for each in near:
        angle = None if each["row"] == 20 else pytest.approx(each["row"], rel=1e-6)
        assert each["separation"] == angle
    shown = run(file, "--obsid", 100, "-k", 4).stdout
    head = "similarity row detection separation (arcsec) obsid class net_counts hard_hs hard_hm hard_ms"
    assert head in " ".join(shown.split())
