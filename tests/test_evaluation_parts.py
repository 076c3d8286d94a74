import numpy as np
import pytest
from chandra_embed.training.evaluation.parts import Parts, halves


def test_the_two_halves_share_no_source_and_none_seen_is_held_out():
    rng = np.random.default_rng(0)
    source = np.array([f"s{i}" for i in rng.integers(0, 300, 2000)])
    seen = np.isin(source, [f"s{i}" for i in range(120)])
    parts = halves(source, seen)
    masks = (parts.searched, parts.choosing, parts.held_out)
    assert (np.sum(masks, axis=0) == 1).all()
    names = [set(source[mask]) for mask in masks]
    assert not names[0] & names[1]
    assert not names[0] & names[2]
    assert not names[1] & names[2]
    assert not (parts.held_out & seen).any()
    assert len(names[2]) == pytest.approx(150, abs=25)
    assert len(names[1]) == pytest.approx(50, abs=18)


def test_with_every_source_seen_nothing_is_held_out():
    parts = halves(np.array(["a", "b"]), np.ones(2, bool))
    assert not parts.held_out.any()
    assert not halves(np.zeros(0, "U3"), np.zeros(0, bool)).fitted.any()


def test_parts_without_sources_are_not_enough():
    source = np.array([f"s{i}" for i in range(200)])
    parts = halves(source, np.zeros(200, bool))
    assert parts.enough(source)
    assert not Parts(parts.fitted, np.zeros(200, bool), parts.held_out).enough(source)
    assert not parts.enough(np.full(200, "one source"))
