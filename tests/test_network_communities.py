"""Communities by modularity: each move against all sums, the result against networkx."""

import naive
import networkx
import numpy as np
import pytest
from chandra_embed.inference.kernels.louvain import move_round
from chandra_embed.inference.network.communities import communities, modularity
from chandra_embed.inference.network.graph import to_networkx
from small_graphs import SPECIAL, all_kinds, block_graph, graph_of


@pytest.mark.kernel
def test_a_round_is_that_of_the_twin():
    for seed, (n, edges) in enumerate(all_kinds(20, most=8)):
        graph, rng = graph_of(n, edges), np.random.default_rng(seed)
        community = rng.integers(0, max(n, 1), n)
        weight = np.ones(len(graph.indices), np.int64)
        for _ in range(3):
            order, before = rng.permutation(n), community.tolist()
            changed = move_round(graph.indptr, graph.indices, weight, graph.degree, order, community)
            wanted, moved = naive.louvain_round(n, edges, order.tolist(), before)
            assert (community.tolist(), changed) == (wanted, moved)


def test_modularity_is_that_of_networkx():
    for seed, (n, edges) in enumerate(all_kinds(30, most=20)):
        if not edges:
            continue
        graph, community = graph_of(n, edges), np.random.default_rng(seed).integers(0, 4, n)
        parts = [set(np.flatnonzero(community == k).tolist()) for k in range(4)]
        wanted = networkx.community.modularity(to_networkx(graph), parts)
        assert modularity(graph, community) == pytest.approx(wanted)


def test_no_worse_than_networkx():
    for seed, (n, edges) in enumerate(all_kinds(30, most=30)):
        if not edges:
            continue
        graph = graph_of(n, edges)
        other = to_networkx(graph)
        parts = networkx.community.louvain_communities(other, seed=seed)
        best = max(communities(graph, seed=s).modularity for s in range(3))
        assert best >= networkx.community.modularity(other, parts) - 0.03


def test_planted_communities_are_found_at_every_run_alike():
    chance = np.full((3, 3), 0.02)
    np.fill_diagonal(chance, 0.5)
    graph = block_graph((60, 40, 20), chance, 0)
    found = communities(graph)
    assert found.community.tolist() == [0] * 60 + [1] * 40 + [2] * 20
    assert found.count == 3
    assert found.modularity == pytest.approx(modularity(graph, found.community))
    np.testing.assert_array_equal(communities(graph).community, found.community)


def test_known_ones():
    assert communities(graph_of(*SPECIAL["two cliques"])).community.tolist() == [0] * 4 + [1] * 4 + [2]
    for name in ("no node", "one node", "empty"):
        found = communities(graph_of(*SPECIAL[name]))
        assert (found.count, found.modularity) == (SPECIAL[name][0], 0.0)
    assert communities(graph_of(*SPECIAL["complete"])).count == 1
