import naive
import networkx
import numpy as np
import pytest
from chandra_embed.inference.network.levels import Level, chosen_thresholds, find_levels
from chandra_embed.inference.network.pairs import same_source_pairs
from unit_rows import hard_rows, random_rows

SOURCE = np.arange(50) // 2 + 1


@pytest.mark.parametrize("source", [None, SOURCE])
@pytest.mark.parametrize("x", [random_rows(50, 8, 1, 0.4), hard_rows(50, 16)])
def test_a_level_is_that_of_the_graph(x, source):
    excluded = None if source is None else same_source_pairs(source)
    found = find_levels(x, [(0.3, "given"), (0.9, "given")], excluded)
    s = naive.similarities(x, x)
    for level in found:
        graph = networkx.Graph()
        graph.add_nodes_from(range(50))
        graph.add_edges_from(
            (i, j)
            for i in range(50)
            for j in range(i)
            if s[i, j] >= level.tau and (source is None or source[i] != source[j])
        )
        assert level.edges == graph.number_of_edges()
        assert level.pairs == 50 * 49 // 2 - (0 if source is None else 25)
        assert level.edge_density == level.edges / level.pairs
        assert level.degree.tolist() == [graph.degree[i] for i in range(50)]
        assert level.component_count == networkx.number_connected_components(graph)
        assert level.largest_component == max(map(len, networkx.connected_components(graph)))
        assert level.isolated == networkx.number_of_isolates(graph)
        assert level.core.size + level.periphery_size == 50
        assert level.informative == (1e-4 <= level.edge_density <= 0.95)
        assert isinstance(level, Level)


def test_no_pair_at_all_is_no_density():
    (level,) = find_levels(random_rows(3, 8), [(0.5, "given")], same_source_pairs(["a", "a", "a"]))
    assert (level.pairs, level.edges, level.edge_density, level.informative) == (0, 0, 0.0, False)


def test_thresholds_stand_in_the_order_given_each_once():
    x = random_rows(30, 8, 3)
    found = chosen_thresholds(x, [0.9, 0.5, 0.9], [0.1], None)
    assert [tau for tau, _ in found][:2] == [0.9, 0.5]
    assert len(found) == 3
    assert found[0][1] == "given"
    assert found[2][1].startswith("edge density 0.1, exact quantile")
    level = find_levels(x, found, None)[2]
    assert abs(level.edge_density - 0.1) < 1 / level.pairs
