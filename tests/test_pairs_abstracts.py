import json
from random import Random

import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.training.pairs.abstracts import FILE, classes_of, read_library
from chandra_embed.training.pairs.templates import PARTS, part_of
from pairs_data import WORDS, write_data


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return read_library(write_data(tmp_path_factory.mktemp("data") / "x"))


def test_papers_are_split_and_sentences_go_with_them(library):
    assert sum(library.papers.values()) == len(WORDS)
    assert all(library.papers[part] for part in PARTS)
    for i, word in enumerate(WORDS):
        part = part_of(f"1801.{i:05d}")
        assert any(word in sentence.text for sentence in library.sentences[part])


def test_sentences_with_digits_and_short_ones_are_left_out(library):
    texts = [sentence.text for part in PARTS for sentence in library.sentences[part]]
    assert len(texts) == 9 * len(WORDS)
    assert not any(any(c.isdigit() for c in text) or text == "Short one." for text in texts)


@pytest.mark.parametrize("kind", ["AGN", "CV", "HM-STAR", "HMXB", "LM-STAR", "LMXB", "NS", "YSO"])
def test_sentences_are_drawn_by_class(library, kind):
    random = Random(3).random
    about = library.about(kind, "train", random, 2)
    assert len({s.text for s in about}) == 2
    assert all(kind in s.classes for s in about)
    others = library.others(kind, "train", random, 2)
    assert len({s.text for s in others}) == 2
    assert not any(kind in s.classes for s in others)


def test_more_than_there_is_gives_what_there_is(library):
    assert len(library.about("NS", "train", Random(1).random, 1000)) == library.papers["train"]


def test_class_words():
    assert classes_of("Two low-mass X-ray binaries hold neutron stars.") == {"HMXB", "LMXB", "NS"}
    assert classes_of("The high-mass star has a late-type companion.") == {"LM-STAR"}
    assert classes_of("The mirror was made of glass.") == frozenset()
    assert classes_of("A T Tauri star in Orion.") == {"YSO"}


def test_a_sentence_of_two_papers_stands_once(tmp_path):
    data = write_data(tmp_path / "x")
    text = "The same sentence about a telescope was written in two quite different papers."
    lines = [json.dumps({"arxiv_id": str(i), "abstract": text}) for i in range(30)]
    (data / FILE).write_text("\n".join(lines))
    library = read_library(data)
    assert sum(len(found) for found in library.sentences.values()) == 1


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"arxiv_id": "1"}'])
def test_a_broken_line_is_named(tmp_path, line):
    data = write_data(tmp_path / "x")
    (data / FILE).write_text(line)
    with pytest.raises(ChandraEmbedError, match="line 1"):
        read_library(data)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ChandraEmbedError, match="arxiv_xray_abstracts"):
        read_library(tmp_path)
