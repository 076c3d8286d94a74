from collections import Counter
from random import Random

import pytest
from chandra_embed.training.pairs.abstracts import classes_of, read_library
from chandra_embed.training.pairs.compose import (
    CLASS_OMITTED,
    CLASS_WRONG,
    FEWEST,
    MOST,
    OMITTED,
    WRONG,
    compose,
    state,
)
from chandra_embed.training.pairs.facts import NUMBERED, Fact
from pairs_data import write_data

FACTS = [
    Fact("class", "LMXB"),
    Fact("subtype", "LMXB/hard"),
    Fact("companion", "low-mass star"),
    Fact("absorption", "heavy"),
    Fact("index", "flat"),
    Fact("distance", "modest", 412.0),
    Fact("colour", "red"),
    Fact("infrared excess", "none"),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return read_library(write_data(tmp_path_factory.mktemp("data") / "x"))


def test_errors_and_omissions_are_as_frequent_as_is_said():
    n, wrong, omitted = 4000, Counter(), Counter()
    for seed in range(n):
        said = state(FACTS, Random(seed).random)
        wrong.update(said.wrong)
        omitted.update(said.omitted)
    assert omitted["class"] / n == pytest.approx(CLASS_OMITTED, abs=0.02)
    assert wrong["class"] / n == pytest.approx(CLASS_WRONG, abs=0.012)
    for kind in ("absorption", "index", "distance", "colour", "infrared excess"):
        assert omitted[kind] / n == pytest.approx(OMITTED, abs=0.025)
        assert wrong[kind] / n == pytest.approx(WRONG, abs=0.02)


def test_wrong_facts_are_wrong_and_the_others_are_true():
    true = {fact.kind: fact for fact in FACTS}
    for seed in range(300):
        said = state(FACTS, Random(seed).random)
        kinds = [fact.kind for fact in said.facts]
        assert len(set(kinds)) == len(kinds)
        assert not set(kinds) & set(said.omitted)
        for fact in said.facts:
            if fact.kind not in said.wrong:
                assert fact == true[fact.kind]
            elif fact.kind in true:
                assert fact.value != true[fact.kind].value or "class" in said.wrong
            if fact.kind in NUMBERED:
                assert NUMBERED[fact.kind].grade(fact.number) == fact.value
        stated = {fact.kind: fact.value for fact in said.facts}
        if {"class", "subtype"} <= set(stated):
            assert stated["subtype"].startswith(stated["class"] + "/")


@pytest.mark.parametrize("n", [0, 1, 4, len(FACTS), 30])
def test_a_text_has_8_to_16_sentences(library, n):
    facts = (FACTS + [Fact("absorption", "mild")] * 30)[:n]
    for seed in range(40):
        text, _ = compose(facts, "train", library, Random(seed).random)
        sentences = text.count(". ") + 1
        assert min(FEWEST, 2 + n) <= sentences <= MOST


def test_the_plain_text_holds_no_class_words_and_only_sentences_of_the_text(library):
    facts = [fact for fact in FACTS if fact.kind != "class"]
    for seed in range(100):
        text, plain = compose([Fact("class", "YSO"), *facts], "test", library, Random(seed).random)
        assert not classes_of(plain)
        assert "low-mass" not in plain
        assert all(sentence in text for sentence in plain.split(". "))
        assert classes_of(text)


def test_there_is_a_sentence_of_literature_and_a_stranger(library):
    own = {s.text for s in library.sentences["train"] if "NS" in s.classes}
    strange = {s.text for s in library.sentences["train"] if "NS" not in s.classes}
    for seed in range(30):
        text, _ = compose([Fact("class", "NS"), *FACTS[3:]], "train", library, Random(seed).random)
        assert 1 <= sum(s in text for s in own) <= 2
        assert any(s in text for s in strange)
