import numpy as np
import pytest
from chandra_embed.inference.network.classes import class_shares, wilson
from scipy.stats import binomtest


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 30), (30, 30), (17, 60), (1042, 1256)])
def test_the_interval_is_wilsons(k, n):
    expected = binomtest(k, n).proportion_ci(0.95, "wilson")
    np.testing.assert_allclose(wilson(k, n), (expected.low, expected.high), atol=1e-9)
    low, high = wilson(k, n)
    assert low <= k / n <= high


def test_classes_are_counted_with_their_sources():
    classes = np.array(["YSO", "AGN", "YSO", "", "YSO", ""])
    source = np.array([1, 2, 1, 0, 3, 0])
    core = np.array([True, False, False, False, False, True])
    agn, yso, unknown = class_shares(classes, source, core)
    assert (agn.source_class, agn.n, agn.n_core, agn.n_periphery, agn.share) == ("AGN", 1, 0, 1, 1.0)
    assert (yso.n, yso.n_sources, yso.n_core, yso.n_periphery) == (3, 2, 1, 2)
    assert yso.share == 2 / 3
    assert (unknown.source_class, unknown.n, unknown.n_sources) == ("not known", 2, 2)
    assert yso.facts()["class"] == "YSO"
    assert list(yso.facts()) == [
        *("class", "n", "n_sources", "n_core", "n_periphery", "share", "share_lolim", "share_hilim")
    ]


def test_core_and_periphery_add_up():
    rng = np.random.default_rng(0)
    classes, core = rng.choice(["A", "B", ""], 200), rng.random(200) < 0.3
    found = class_shares(classes, np.arange(200), core)
    assert sum(each.n_core for each in found) == core.sum()
    assert sum(each.n for each in found) == 200
    assert all(each.n_core + each.n_periphery == each.n for each in found)
