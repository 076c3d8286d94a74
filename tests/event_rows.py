"""Event lists of constant and flaring sources, for tests of what is trained on them."""

import numpy as np
from chandra_embed.inference.event_list import EventList


def draw_lists(n: int, seed: int = 0) -> list[EventList]:
    """Return n lists of 20 to 200 events, soft and hard, every third with half its events in a flare."""
    rng = np.random.default_rng(seed)
    lists = []
    for i in range(n):
        count, live = int(rng.integers(20, 200)), float(10 ** rng.uniform(3, 5))
        time = rng.random(count)
        if i % 3 == 0:
            time[: count // 2] = 0.5 + 0.03 * rng.random(count // 2)
        energy = np.where(
            rng.random(count) < rng.random(), rng.uniform(0.5, 1.2, count), rng.uniform(2, 7, count)
        )
        gti = np.array([[0.0, live]])
        lists.append(EventList(np.sort(time) * live, energy.astype(np.float32), gti))
    return lists
