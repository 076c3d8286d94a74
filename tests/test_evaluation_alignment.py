import json
from dataclasses import replace

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.evaluation.alignment import run
from chandra_embed.training.evaluation.alignment_table import table
from chandra_embed.training.evaluation.retrieval import rank_pairs
from made_pairs import made_pairs

pytest.importorskip("matplotlib")
KEYS = {"direction", "recall_1pct", "recall_5pct", "recall_10pct", "median_rank", "n"}
KEYS |= {"null_recall_1pct", "class_oracle_1pct"}
TABLES = ("alignment", *(f"alignment-{name}" for name in ("differences", "counts", "cosines", "spread")))
pytestmark = pytest.mark.usefixtures("few_draws")


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alignment")
    pairs = made_pairs(500, rows=2)
    return pairs, folder, *run(pairs, folder)


def of(rows, **wanted):
    return [row for row in rows if all(row[key] == value for key, value in wanted.items())]


def test_every_direction_and_method_has_a_row(done):
    _, _, rows, _ = done
    directions = [f"{a}->{b}" for m in ("spectrum", "event", "both") for a, b in ((m, "text"), ("text", m))]
    assert [row["direction"] for row in rows[:6]] == directions
    assert {row["method"] for row in rows[:6]} == {"aligned"}
    for direction in directions:
        methods = [row["method"] for row in of(rows, direction=direction)]
        assert methods == [
            "aligned",
            "without class words",
            *(["bag of words"] if "spectrum" in direction else []),
            "shuffled",
        ]
    for row in rows:
        assert set(row) >= KEYS
        assert row["n"] % 100 == 0
        assert row["null_recall_1pct"] == 0.01
        assert row["recall_1pct"] <= row["recall_5pct"] <= row["recall_10pct"]


def test_the_planted_pairs_are_found_and_the_controls_are_not(done):
    _, _, rows, others = done
    (found,) = of(rows, direction="spectrum->text", method="aligned")
    assert found["recall_1pct_low"] > found["class_oracle_1pct"] > found["null_recall_1pct"]
    (plain,) = of(rows, direction="spectrum->text", method="without class words")
    assert plain["recall_5pct"] < found["recall_5pct"]
    (none,) = of(rows, direction="spectrum->text", method="shuffled")
    assert none["recall_10pct_low95"] <= 0.1 <= none["recall_10pct_high95"]
    assert 0.35 * none["n"] < none["median_rank"] < 0.65 * none["n"]
    (bag,) = of(rows, direction="spectrum->text", method="bag of words")
    assert bag["recall_5pct"] > bag["class_oracle_5pct"]
    for row in of(others["alignment-differences"], above="shuffled"):
        assert row["difference_low95"] > 0
    (above,) = of(
        others["alignment-differences"], direction="text->spectrum", above="class oracle", recall="5pct"
    )
    (here,) = of(rows, direction="text->spectrum", method="aligned")
    assert above["difference"] == pytest.approx(here["recall_5pct"] - here["class_oracle_5pct"])


def test_one_detection_a_source(done):
    pairs, _, rows, _ = done
    assert rows[0]["n"] == len(np.unique(pairs.source_id[pairs.part == "test"])) // 100 * 100


def test_both_is_the_mean_of_the_two(done):
    pairs, _, rows, _ = done
    both, spectrum = (of(rows, direction=f"{m}->text", method="aligned")[0] for m in ("both", "spectrum"))
    assert both["recall_1pct"] > spectrum["recall_1pct"]
    known = np.isfinite(pairs.event).all(axis=1)
    np.testing.assert_array_equal(pairs.both[~known], pairs.spectra.embedding[~known])
    assert (
        rank_pairs(pairs.both, pairs.text).rank.mean()
        < rank_pairs(pairs.spectra.embedding, pairs.text).rank.mean()
    )


def test_tables_and_figures_are_written(done):
    _, folder, rows, _ = done
    for name in TABLES:
        content = json.loads((folder / f"{name}.json").read_text())
        assert content["data"] == "simulated spectra, semi-simulated texts"
        assert content["rows"]
        assert (folder / f"{name}.csv").stat().st_size > 100
    assert json.loads((folder / "alignment.json").read_text())["rows"] == rows
    for name in ("alignment", "alignment-neighbours"):
        for ending in ("png", "pdf"):
            assert (folder / f"{name}.{ending}").stat().st_size > 5000


def test_counts_add_up(done):
    _, _, _, others = done
    for direction in ("spectrum->text", "event->text"):
        counts = of(others["alignment-counts"], direction=direction)
        assert counts[0]["net_counts"] == "all"
        assert counts[0]["n"] == sum(row["n"] for row in counts[1:])
        mean = sum(row["recall_5pct"] * row["n"] for row in counts[1:]) / counts[0]["n"]
        assert counts[0]["recall_5pct"] == pytest.approx(mean)


def test_the_table_says_what_it_is(done):
    *_, rows, others = done
    text = table(rows, others)
    assert text.startswith("Recall, simulated spectra, semi-simulated texts; by chance @1 % is 0.010")
    assert "Spread among the 10 nearest other sources" in text
    assert "Mean cosine of two sources" in text
    assert "-inf" not in text


@pytest.fixture(scope="module")
def bare():
    pairs = replace(made_pairs(300, events=False, plain=False), bag={})
    pairs.spectra.detection["class"][:] = ""
    return pairs


def test_without_events_plain_texts_classes_or_baseline(bare, tmp_path):
    rows, others = run(bare, tmp_path)
    assert {row["direction"] for row in rows} == {"spectrum->text", "text->spectrum"}
    assert {row["method"] for row in rows} == {"aligned", "shuffled"}
    assert np.isnan(rows[0]["class_oracle_1pct"])
    assert others["alignment-cosines"] == []
    assert {row["above"] for row in others["alignment-differences"]} == {"shuffled"}
    assert "Mean cosine" not in table(rows, others)
    # what is not of the test part may be anything
    rest = (bare.part != "test")[:, None]
    changed, _ = run(replace(bare, text=np.where(rest, -bare.text, bare.text)), tmp_path)
    assert [row["recall_1pct"] for row in changed] == [row["recall_1pct"] for row in rows]


def test_too_few_sources_are_named(tmp_path):
    with pytest.raises(ChandraEmbedError, match=r"spectra\.h5: \d+ test sources have a text .* at least 100"):
        run(made_pairs(150), tmp_path)
