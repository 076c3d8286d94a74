"""Ranges of parameters and the tables of sub-populations."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.simulate import class_ranges
from chandra_embed.inference.simulate.class_ranges import MIXTURE, POPULATIONS
from chandra_embed.inference.simulate.classes import (
    CLASSES,
)
from chandra_embed.inference.simulate.ranges import Range


def test_ranges_begin_at_their_centre_and_end_at_their_limits() -> None:
    normals = np.linspace(-6, 6, 121).tolist()
    for population in (p for ps in POPULATIONS.values() for p in ps):
        for value in vars(population).values():
            if not isinstance(value, Range):
                continue
            assert value.lo < value.centre < value.hi
            assert value.draw(3.0, 0.0) == pytest.approx(value.centre)
            drawn = [value.draw(z, s) for z in normals for s in (0.5, 1.0, 4.0)]
            assert min(drawn) >= value.lo * (1 - 1e-9) - 1e-9 * (value.lo < 0)
            assert max(drawn) <= value.hi * (1 + 1e-9)
            # within limits that do not bite: most of the distribution is what it says it is
            inside = [value.draw(z, 1.0) for z in (-1.0, 1.0)]
            step = [math.log10(x / value.centre) if value.log else x - value.centre for x in inside]
            np.testing.assert_allclose(step, [-value.sigma, value.sigma], rtol=1e-6, atol=1e-9)


def test_beyond_a_limit_is_folded_back() -> None:
    r = Range(1.0, 1.0, 0.0, 2.0, log=False)
    assert [r.draw(z, 1.0) for z in (-4.0, -1.5, 1.0, 1.25, 3.0, 4.5)] == [1.0, 0.5, 2.0, 1.75, 0.0, 1.5]


def test_every_population_has_what_its_components_need() -> None:
    assert tuple(POPULATIONS) == CLASSES == tuple(MIXTURE)
    assert sum(MIXTURE.values()) == 2080
    for populations in POPULATIONS.values():
        assert sum(p.weight for p in populations) == pytest.approx(1.0)
        assert len({p.name for p in populations}) == len(populations)
        # the commonest is one, so that a spread of 0 is one model
        greatest, next_one = sorted((p.weight for p in populations), reverse=True)[:2]
        assert greatest > next_one
        for p in populations:
            parts = [p.first, p.second] if p.second else [p.first]
            assert len(set(parts) & {"powerlaw"}) == parts.count("powerlaw") <= 1
            assert (p.gamma is not None) == ("powerlaw" in parts)
            assert (p.abundance is not None) == ("thermal" in parts)
            assert (p.kt is not None) == (p.first != "powerlaw")
            assert (p.kt2 is not None) == (p.second not in ("", "powerlaw"))
            assert (p.share is not None) == bool(p.second)
            assert p.leak is None or p.nh_inner is not None


def test_every_block_of_ranges_names_a_paper_or_says_choice() -> None:
    text = Path(class_ranges.__file__).read_text(encoding="utf-8")
    blocks = re.split(r"\n    Population\(\n", text)[1:]
    assert len(blocks) == sum(len(ps) for ps in POPULATIONS.values())
    for block in blocks:
        assert re.search(r"\b(19|20)\d\d\b", block) or "choice" in block
