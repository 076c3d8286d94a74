"""The graphs themselves, on the CPU provider, against numpy."""

import numpy as np
import pytest
from chandra_embed.inference import runtime
from chandra_embed.inference.gpu import with_guards
from chandra_embed.inference.gpu_graphs import degree_graph, nearest_graph
from unit_rows import tied_rows


def run(graph, **given):
    return runtime.open_session(graph, "cpu")[0].run(None, given)


def test_fillings_reach_no_threshold():
    x = tied_rows(5)
    one, other = with_guards(x, 8), with_guards(x[:3], 8, right=True)
    product = one @ other.T
    assert np.array_equal(product[:5, :3], x @ x[:3].T)
    assert (product[5:] <= -4).all()
    assert (product[:, 3:] <= -4).all()


@pytest.mark.parametrize("diagonal", [True, False])
def test_sure_pairs_are_counted_and_open_ones_listed(diagonal):
    x = tied_rows(6)
    keep = np.triu(np.ones((8, 8), np.bool_), 1)
    low, high = np.float32([-0.5, 0.1]), np.float32([-0.25, 0.3])
    given = {"low": low[:, None, None], "high": high[:, None, None], **({"keep": keep} if diagonal else {})}
    left, right = with_guards(x, 8), with_guards(x, 8, right=True)
    of_rows, of_columns, pairs, values = run(
        degree_graph(8, 16, 2, diagonal), left=left, right=right, **given
    )
    product, counted = left @ right.T, keep if diagonal else np.ones((8, 8), np.bool_)
    reached = (product >= high[:, None, None]) & counted
    assert np.array_equal(of_rows, reached.sum(axis=2))
    assert np.array_equal(of_columns, reached.sum(axis=1))
    is_open = ((product >= low[:, None, None]) != (product >= high[:, None, None])).any(axis=0) & counted
    assert np.array_equal(pairs, np.nonzero(is_open))
    assert np.array_equal(values, product[is_open])


def test_the_largest_of_each_row_are_listed():
    x = tied_rows(8)
    left, right = with_guards(x, 8), with_guards(x, 8, right=True)
    values, places = run(nearest_graph(8, 16, 3), left=left, right=right)
    product = x @ x.T
    assert np.array_equal(values, -np.sort(-product, axis=1)[:, :3])
    assert np.array_equal(np.take_along_axis(product, places, axis=1), values)
