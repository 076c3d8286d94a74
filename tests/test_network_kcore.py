"""k-core numbers, against networkx and against taking nodes away one by one."""

import naive
import networkx
import pytest
from chandra_embed.inference.network.graph import to_networkx
from chandra_embed.inference.network.kcore import core_numbers
from small_graphs import SPECIAL, all_kinds, graph_of


@pytest.mark.kernel
def test_equal_to_taking_nodes_away():
    for n, edges in all_kinds(40):
        assert core_numbers(graph_of(n, edges)).tolist() == naive.core_number(n, edges)


def test_equal_to_networkx_on_two_hundred_graphs():
    for n, edges in all_kinds(200, most=40):
        graph = graph_of(n, edges)
        wanted = networkx.core_number(to_networkx(graph))
        assert core_numbers(graph).tolist() == [wanted[i] for i in range(n)]


def test_known_ones():
    known = {name: core_numbers(graph_of(*graph)).tolist() for name, graph in SPECIAL.items()}
    assert known["star"] == [1] * 7
    assert known["complete"] == [5] * 6
    assert known["two cliques"] == [3] * 8 + [0]
    assert known["ring"] == [2] * 8
