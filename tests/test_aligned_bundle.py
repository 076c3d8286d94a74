"""The shipped bundle ``aligned-64``: golden outputs for event lists and words, for ever."""

from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.aligned import EventEmbedder, TextEmbedder
from chandra_embed.inference.event_list import EventList
from chandra_embed.inference.recipe import Recipe
from chandra_embed.inference.simulate.spectra import simulate
from chandra_embed.models import registry

NAME = "aligned-64"
TEXTS = [
    "hard variable ultraluminous source",
    "a young stellar object with a flaring hot corona behind heavy absorption",
    "Seyfert 2 galaxy, Compton-thick",
    "supersoft source",
]


def drawn() -> list[EventList]:
    """Return the simulated event lists of ``simulate -n 6 --seed 2026``."""
    return [row.events for row in simulate(6, 2026, Recipe())]


@pytest.fixture(scope="module")
def frozen() -> dict[str, np.ndarray]:
    version = registry.verify(registry.find(NAME)).version
    with np.load(Path(__file__).parent / "golden" / f"{NAME}-{version}.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def events(frozen: dict[str, np.ndarray]) -> list[EventList]:
    ends, gtis = frozen["event_offset"], frozen["event_gti_offset"]
    return [
        EventList(
            frozen["event_time"][a:b],
            frozen["event_energy"][a:b],
            frozen["event_gti"][c:d],
            frozen["event_zero"][i],
        )
        for i, (a, b, c, d) in enumerate(zip(ends, ends[1:], gtis, gtis[1:], strict=False))
    ]


def test_golden_embeddings_of_events(frozen: dict[str, np.ndarray], events: list[EventList]) -> None:
    found = EventEmbedder.load(NAME, "cpu").embed(events)
    np.testing.assert_allclose(found, frozen["event_embedding"], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_golden_embeddings_of_words(frozen: dict[str, np.ndarray]) -> None:
    found = TextEmbedder.load(NAME, "cpu").embed(TEXTS)
    np.testing.assert_allclose(found, frozen["text_embedding"], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_the_simulator_still_draws_the_golden_events(events: list[EventList]) -> None:
    for now, then in zip(drawn(), events, strict=True):
        np.testing.assert_allclose(now.time, then.time, rtol=1e-9)
        np.testing.assert_array_equal(now.energy, then.energy)


def test_an_event_list_alone_and_in_a_batch_gives_the_same_row(events: list[EventList]) -> None:
    embedder = EventEmbedder.load(NAME, "cpu")
    together = embedder.embed(events)
    alone = np.concatenate([embedder.embed([one]) for one in events])
    np.testing.assert_allclose(alone, together, atol=1e-6)
