import re

import pytest
from chandra_embed.training.pairs.abstracts import classes_of
from chandra_embed.training.pairs.facts import NUMBERED, VALUES, Fact, subtypes
from chandra_embed.training.pairs.phrases import CLASS_KINDS, FAMILY_OF
from chandra_embed.training.pairs.templates import (
    BY_PART,
    PARTS,
    SKELETONS,
    Deck,
    normalised,
    part_of,
    phrases,
    rounded,
    sentence,
)

ALL = {**VALUES, "subtype": tuple(name for kind in VALUES["class"] for name in subtypes(kind))}


def test_every_skeleton_is_in_one_split_and_every_split_has_several():
    every = [text for texts in SKELETONS.values() for text in texts]
    assert len({normalised(text) for text in every}) == len(every)
    for family, texts in SKELETONS.items():
        dealt = [BY_PART[part][family] for part in PARTS]
        assert sorted(sum(dealt, ())) == sorted(texts)
        assert all(len(part) >= 3 for part in dealt)


def test_a_skeleton_has_one_place_for_the_phrase():
    for texts in SKELETONS.values():
        for text in texts:
            assert text.count("{x}") == 1
            assert set(re.findall(r"{(\w+)}", text)) <= {"x", "s"}


@pytest.mark.parametrize("kind", ALL)
def test_every_value_has_words_that_no_other_value_of_the_kind_has(kind):
    said = [phrase for value in ALL[kind] for phrase in phrases(Fact(kind, value))]
    assert len(set(said)) == len(said)
    assert all(("{n}" in phrase) == (kind in NUMBERED) for phrase in said)


def test_what_stays_without_class_words_names_no_class():
    for kind in set(ALL) - CLASS_KINDS:
        for value in ALL[kind]:
            for phrase in phrases(Fact(kind, value)):
                assert not classes_of(phrase), phrase
    for family in ("source", "counterpart"):
        assert not any(classes_of(text) for text in SKELETONS[family])


def test_a_deck_uses_each_skeleton_once_before_it_begins_again():
    deck = Deck("train", lambda: 0.0)
    n = len(BY_PART["train"]["source"])
    clauses = [deck.clause(Fact("absorption", "heavy")) for _ in range(n + 1)]
    assert len(set(clauses)) == n
    assert FAMILY_OF["absorption"] == "source"


def test_numbers_are_rounded_to_two_digits():
    assert [rounded(x) for x in (412.3, 17.83, 3.14159, 0.1234, 0.0, 2676.0)] == [
        *("410", "18", "3.1", "0.12", "0", "2700")
    ]
    text = Deck("test", lambda: 0.0).clause(Fact("distance", "modest", 412.3))
    assert "410 pc" in text


def test_clauses_become_a_sentence():
    assert sentence(["it is red", "it is near"], lambda: 0.0) == "It is red; it is near."


def test_a_split_depends_on_the_words_alone():
    assert part_of("ABC {x}") == part_of("abc {x}")
    shares = [sum(part_of(str(i)) == part for i in range(4000)) / 4000 for part in PARTS]
    assert shares == pytest.approx([0.45, 0.20, 0.35], abs=0.03)
