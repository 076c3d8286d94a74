"""How often the nulls of a network err: planted cores, and graphs of chance.

``python tests/benchmarks/network_null.py`` prints, for graphs of 200 nodes and 200 random graphs each: p of
one planted pair of core and periphery against ``density`` and ``degree``, p of two planted pairs against
``degree``, the share of 200 configuration-model graphs that ``degree`` rejects at 0.05, and that of 200
Erdos-Renyi graphs that ``density`` rejects. Some three minutes of computing.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the makers of test graphs

from chandra_embed.inference.network.graph import Graph
from chandra_embed.inference.network.nulls import NullTest, degree_null, density_null
from chandra_embed.inference.network.random_graphs import Rewiring
from small_graphs import block_graph, one_pair, two_pairs

ONE = {"0.8 0.8 0.05": (0.8, 0.8, 0.05), "0.8 0.4 0.05": (0.8, 0.4, 0.05), "0.5 0.2 0.05": (0.5, 0.2, 0.05)}
TWO = {"0.7 0.4 0.05, 0.05 apart": {}, "0.5 0.25 0.05, 0.05 apart": {"core": 0.5, "between": 0.25}}


def configuration_graphs(many: int) -> Iterator[Graph]:
    """Yield graphs of the degrees of one planted core, drawn from all such graphs by long walks."""
    for seed in range(many):
        base = one_pair(seed % 4, *list(ONE.values())[seed % 3])
        yield Rewiring.of(base).walked(np.random.default_rng([7, seed]), steps=30).graph()


def report(name: str, tests: list[NullTest], level: float) -> None:
    """Print how many tests were made, reject and have no p-value, and their p."""
    p = [test.p for test in tests if test.p is not None]
    below = sum(each <= level for each in p)
    spread = f"p {min(p):.3f} to {max(p):.3f}, median {np.median(p):.3f}" if p else "no p"
    print(
        f"{name}: {below} of {len(tests)} with p <= {level:g} ({below / len(tests):.3f}), "
        f"{len(tests) - len(p)} without a p-value; {spread}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=int, default=200, help="graphs of chance of each kind")
    parser.add_argument("--planted", type=int, default=10, help="planted graphs of each kind")
    parser.add_argument("--nulls", type=int, default=200, help="random graphs for each test")
    given = parser.parse_args()

    def tests(null: Callable[..., NullTest], graphs: Iterator[Graph]) -> list[NullTest]:
        return [null(graph, n_null=given.nulls, seed=1000 + k) for k, graph in enumerate(graphs)]

    seeds = range(given.planted)
    for name, chance in ONE.items():
        report(f"one pair {name}, density", tests(density_null, (one_pair(s, *chance) for s in seeds)), 0.01)
        report(f"one pair {name}, degree", tests(degree_null, (one_pair(s, *chance) for s in seeds)), 0.05)
    for name, changed in TWO.items():
        report(
            f"two pairs {name}, degree", tests(degree_null, (two_pairs(s, **changed) for s in seeds)), 0.01
        )
    report("configuration model, degree", tests(degree_null, configuration_graphs(given.graphs)), 0.05)
    chance = (block_graph((200,), [[0.1]], seed) for seed in range(given.graphs))
    report("Erdos-Renyi, density", tests(density_null, chance), 0.05)


if __name__ == "__main__":
    main()
