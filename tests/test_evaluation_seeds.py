import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation.seeds import (
    by_settings,
    changes,
    label,
    largest_data,
    matched,
    over_sources_and_seeds,
    settings,
)
from evaluation import made_record

SAME = np.random.default_rng(9).integers(1, 5, 200)


def runs(factor=1.0, n=3, **settings):
    return [made_record(f"f{factor}-s{s}", factor=factor, seed=s, rows=SAME, **settings) for s in range(n)]


def test_runs_are_gathered_by_what_is_not_the_seed():
    three, two = runs(), runs(0.9, 2, depth=4)
    groups = by_settings([*two, three[2], *three[:2]])
    assert [[run.seed for run in group] for group in groups] == [[0, 1, 2], [0, 1]]
    assert "seed" not in settings(three[0])
    assert by_settings([]) == []


def test_two_records_of_one_seed_are_refused():
    with pytest.raises(ChandraEmbedError, match=r"f1\.0-s0, f1\.0-s0: two records"):
        by_settings([*runs(), runs()[0]])


def test_changes_name_what_differs():
    default = runs()[0]
    assert changes(default, default) == {}
    assert changes(runs(depth=3)[1], default) == {"depth": 3}
    assert changes(runs(depth=3, width=96)[0], default) == {"depth": 3, "width": 96}
    assert changes(runs(kind="recurrent", width=96)[0], default) == {"kind": "recurrent"}
    assert changes(runs(patch=10)[0], default) == {"patch": 10}


def test_the_largest_set_of_one_data_is_taken():
    many, few = runs(), runs(n=2, test="other")
    assert largest_data([*few, *many]) == many
    assert largest_data([]) == []


def test_runs_are_matched_by_seed():
    a, b = runs()[1:], runs(2.0)[::-1]
    ours, theirs = matched(a, b)
    assert [run.seed for run in ours] == [run.seed for run in theirs] == [1, 2]
    other = made_record("other", seed=1)  # other rows
    with pytest.raises(ChandraEmbedError, match=r"f1\.0-s1, other: were measured on different sources"):
        matched(a, [other])


def test_the_value_is_the_mean_over_seeds_of_the_mean_over_rows():
    group = runs()
    found = over_sources_and_seeds(lambda x: x, (group, "mae"))
    each = [sum(run.groups["mae"]) / sum(run.groups["rows"]) for run in group]
    assert found.value == pytest.approx(np.mean(each))
    assert found.low95 < found.low < found.value < found.high < found.high95


def test_a_fixed_ratio_has_an_interval_of_no_width():
    """Paired: the same sources and seeds are drawn for both."""
    a, b = runs(), runs(1.5)
    found = over_sources_and_seeds(lambda x, y: y / x, (a, "mae"), (b, "mae"))
    assert (found.value, found.low95, found.high95) == pytest.approx((1.5, 1.5, 1.5))
    alone = over_sources_and_seeds(lambda x: x, (a, "mae"))
    assert alone.high95 - alone.low95 > 0.01 * alone.value


def test_seeds_that_differ_widen_the_interval():
    alike = [made_record(f"s{s}", seed=7, rows=SAME) for s in range(3)]
    apart = [made_record(f"s{s}", seed=7, rows=SAME, factor=f) for s, f in enumerate((0.8, 1.0, 1.2))]
    narrow, wide = (over_sources_and_seeds(lambda x: x, (group, "mae")) for group in (alike, apart))
    assert narrow.value == pytest.approx(wide.value)
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)


def test_empty_groups_of_sources_do_no_harm():
    rows = np.zeros(200, int)
    rows[[3, 8]] = 4, 2
    found = over_sources_and_seeds(lambda x: x, ([made_record("few", rows=rows)], "mae"), replicates=50)
    assert np.isfinite([found.value, found.low95, found.high95]).all()


def test_labels_tell_runs_of_one_kind_apart():
    groups = [runs(), runs(kind="recurrent", width=96), runs(mask=0.3)]
    assert [label(group, groups) for group in groups] == ["transformer", "recurrent", "transformer, mask 0.3"]
