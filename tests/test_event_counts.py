"""Compiled counts of events against their numpy twin, byte by byte, on awkward lists."""

import naive
import numpy as np
import pytest
from chandra_embed.inference.event_block import EventBlock
from chandra_embed.inference.event_list import EventList
from chandra_embed.inference.event_map import EventRecipe, event_maps
from chandra_embed.inference.kernels.event_counts import good_time

pytestmark = pytest.mark.kernel
RECIPES = [
    EventRecipe(),
    EventRecipe("cube"),
    EventRecipe("cube", bins_per_band=4, time_bins=8),
    EventRecipe(time_bins=1024),
]


def awkward(seed: int, n: int = 200) -> list[EventList]:
    """Lists with many intervals or few, that touch or hold no time, with events on edges and in gaps."""
    rng = np.random.default_rng(seed)
    lists: list[EventList] = []
    while len(lists) < n:
        m, k = int(rng.choice([1, 2, 3, 8, 9, 140])), int(rng.choice([0, 1, 2, 40, 300]))
        gti = np.sort(rng.uniform(0, 3e4, 2 * m)).reshape(m, 2)
        if len(lists) % 3 == 0:
            gti = np.round(gti / 1000) * 1000
        if not (gti[:, 1] > gti[:, 0]).any():
            continue
        spread = rng.uniform(gti[0, 0] - 10, gti[-1, 1] + 10, k)
        time = np.sort(spread if len(lists) % 2 else rng.choice(gti.ravel(), k))
        energy = rng.uniform(0.1, 9, k).astype(np.float32)
        special = np.array([0.5, 1.2, 2.0, 7.0, np.nan, np.inf, -1.0], np.float32)
        energy[::5] = rng.choice(special, len(energy[::5]))
        lists.append(EventList(time, energy, gti))
    return lists


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("seed", [0, 1])
def test_rows_equal_the_twin(recipe, seed):
    lists = awkward(seed)
    found = event_maps(lists, recipe)
    assert found.dtype == np.float32
    assert found.tobytes() == np.stack([naive.event_map(one, recipe) for one in lists]).tobytes()


def test_a_row_depends_on_no_other():
    lists, recipe = awkward(3, 60), RECIPES[1]
    block = EventBlock.of([None, *lists, None])
    whole = event_maps(block, recipe)
    assert not whole[[0, -1]].any()
    for start, stop in ((0, 1), (0, 20), (17, 40), (61, 62)):
        assert event_maps(block.rows(start, stop), recipe).tobytes() == whole[start:stop].tobytes()


@pytest.mark.parametrize("seed", range(4))
def test_good_time_equals_the_lists(seed):
    for one in awkward(seed, 40):
        out = np.empty(len(one))
        good_time(one.time, *np.ascontiguousarray(one.gti.T), out)
        np.testing.assert_array_equal(out, one.elapsed())
