import numpy as np
import pytest

torch = pytest.importorskip("torch")

from chandra_embed.inference.catalog.spectra_file import SpectraWriter  # noqa: E402
from chandra_embed.inference.errors import ChandraEmbedError  # noqa: E402
from chandra_embed.inference.event_list import EventList  # noqa: E402
from chandra_embed.inference.event_map import EventRecipe, event_map  # noqa: E402
from chandra_embed.inference.recipe import Recipe  # noqa: E402
from chandra_embed.training.event_data import RECIPES, halves, make_event_maps, read_event_maps  # noqa: E402
from event_rows import draw_lists  # noqa: E402

pytestmark = pytest.mark.train


def write(path, lists):
    with SpectraWriter(path, Recipe(), {"simulated": True}) as writer:
        for i, events in enumerate(lists):
            facts = {"file": f"{i}.pi", "source_id": f"s{i}", "obsid": i, "net_counts": float(i)}
            writer.append(facts, np.ones(400, np.float32), np.ones(400, np.float32), None, events)
        writer.close()
    return path


def test_rows_without_events_are_left_out(tmp_path):
    lists = draw_lists(4)
    empty = EventList(np.zeros(1), np.array([9.0], np.float32), np.array([[0.0, 5.0]]))
    path = write(tmp_path / "a.h5", [lists[0], None, lists[1], empty])
    found = read_event_maps([path], EventRecipe())
    assert found.source_id.tolist() == ["s0", "s2"]
    assert found.net_counts.tolist() == [0.0, 2.0]
    assert np.array_equal(found.whole, [event_map(each, EventRecipe()) for each in lists[:2]])
    facts = found.files[0]
    assert (facts["rows"], facts["empty"], facts["simulated"]) == (4, 2, True)
    both = read_event_maps([path, write(tmp_path / "b.h5", lists[2:])], EventRecipe())
    assert both.source_id.tolist() == ["s0", "s2", "s0", "s1"]
    assert [file["name"] for file in both.files] == ["a.h5", "b.h5"]


def test_nothing_to_read_and_the_same_file_twice(tmp_path):
    empty = write(tmp_path / "a.h5", [None])
    with pytest.raises(ChandraEmbedError, match=r"a\.h5: no row with events"):
        read_event_maps([empty], EventRecipe())
    with pytest.raises(ChandraEmbedError, match="name it once"):
        read_event_maps([empty, empty], EventRecipe())


@pytest.mark.parametrize("kind", ["map", "cube"])
def test_halves_make_the_whole(kind):
    recipe = RECIPES[kind]
    lists = draw_lists(5)
    found = make_event_maps(lists, np.array(list("abcde")), np.zeros(5), recipe)
    bins = recipe.energy_bins
    assert np.array_equal((found.shown + found.hidden)[:, :bins], found.whole[:, :bins])
    assert (found.shown[:, :bins].sum(axis=1) > 0.2 * found.whole[:, :bins].sum(axis=1)).all()
    again = make_event_maps(lists[:2], np.array(list("ab")), np.zeros(2), recipe)
    assert np.array_equal(again.shown, found.shown[:2])


def test_halves_keep_every_event():
    events = draw_lists(1)[0]
    first, second = halves(events, np.random.default_rng(0))
    assert sorted([*first.time, *second.time]) == events.time.tolist()
    assert np.array_equal(first.gti, events.gti)
