import json
import re

import h5py
import numpy as np
import pytest
from chandra_embed.inference.catalog import store
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.text.table import read_texts
from chandra_embed.training.datasets import split
from chandra_embed.training.pairs import write
from chandra_embed.training.pairs.templates import PARTS, normalised
from pairs_data import write_data, write_truth

ROWS = 600


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "x", n=150)


@pytest.fixture(scope="module")
def spectra(data, tmp_path_factory):
    return write_truth(tmp_path_factory.mktemp("spectra") / "spectra.h5", data, ROWS)


@pytest.fixture(scope="module")
def written(data, spectra, tmp_path_factory):
    output = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    return output, write.write_texts(spectra, data, output)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def clauses(text):
    """Everything that may stand for itself: sentences, and the clauses they were joined from."""
    sentences = re.split(r"(?<=\.)\s", text)
    return {normalised(s) for s in sentences} | {
        normalised(c).strip(" .") for s in sentences for c in re.split(r"; |, and |, while ", s)
    }


def assert_disjoint(rows):
    found = {part: set() for part in PARTS}
    for row in rows:
        found[row["split"]] |= clauses(row["text"]) | clauses(row["plain"])
    # clauses of real sentences may be short enough to be said by anybody
    for a, b in (("train", "test"), ("train", "validation"), ("validation", "test")):
        assert found[a]
        assert found[b]
        assert not {text for text in found[a] & found[b] if len(text) > 1}


def test_no_sentence_and_no_clause_stands_in_two_splits(written):
    assert_disjoint(lines(written[0])[1:])


@pytest.mark.real
def test_no_sentence_stands_in_two_splits_of_the_real_table(chandra_data, tmp_path):
    spectra = write_truth(tmp_path / "spectra.h5", chandra_data, 2080)
    write.write_texts(spectra, chandra_data, tmp_path / "texts.jsonl")
    rows = lines(tmp_path / "texts.jsonl")[1:]
    found = {
        part: {
            normalised(sentence)
            for row in rows
            if row["split"] == part
            for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])", row["text"])
        }
        for part in PARTS
    }
    assert not found["train"] & found["test"]
    assert not found["train"] & found["validation"]
    assert not found["validation"] & found["test"]


def test_splits_are_those_of_the_sources(written):
    rows = lines(written[0])[1:]
    masks = split([row["source_id"] for row in rows], 0, 0.1, 0.5)
    assert [row["split"] for row in rows] == [next(p for p in PARTS if masks[p][i]) for i in range(ROWS)]


def test_the_file_says_what_it_is_and_is_read_back(written):
    output, summary = written
    head, *rows = lines(output)
    assert head["semi_simulated"] is True
    assert head["note"].startswith("Semi-simulated")
    assert (head["omitted"], head["wrong"]) == (0.15, 0.05)
    assert [row["file"] for row in rows] == [f"simulated 0:{i}" for i in range(ROWS)]
    assert summary.rows == ROWS == sum(summary.splits.values())
    texts = read_texts(output)
    assert len(texts) == ROWS
    assert texts.semi_simulated
    assert texts.key == "file"
    assert texts.plain is not None


def test_the_facts_stand_beside(written):
    output, summary = written
    head, *facts = lines(summary.facts)
    assert summary.facts == output.with_name("texts.facts.jsonl")
    assert head["format"] == "chandra-embed/facts"
    assert len(facts) == ROWS
    total = summary.stated + summary.omitted
    assert summary.wrong / total == pytest.approx(0.05, abs=0.02)
    assert summary.omitted / total == pytest.approx(0.15, abs=0.02)
    assert sum(len(f["wrong"]) for f in facts) == summary.wrong
    assert all(set(f["wrong"]) <= set(f["facts"]) for f in facts)


def test_the_text_depends_on_truth_alone(written, spectra, data, tmp_path):
    """Other counts, flags, spectra, events, names of files and noise seed: the same words."""
    other = tmp_path / "spectra.h5"
    other.write_bytes(spectra.read_bytes())
    rng = np.random.default_rng(5)
    with h5py.File(other, "r+") as file:
        file.attrs["seed"] = 99
        file["detection/net_counts"][:] = rng.uniform(0, 1e5, ROWS)
        for name in ("hard_hs", "hard_ms", "var_prob_b", "flux_significance_b", "counts", "exposure"):
            file[f"detection/{name}"] = rng.normal(size=ROWS)
        file["detection/class"] = rng.choice([b"AGN", b"NS"], ROWS)
        file["spectrum/value"] = rng.normal(size=(ROWS, 4))
        for name in ("time", "energy", "gti_start", "gti_stop"):
            file[f"event/{name}"] = rng.normal(size=ROWS)
        file["event/offset"] = file["event/gti_offset"] = np.arange(ROWS + 1)
        for name in (
            "photon_flux",
            "photflux_s",
            "photflux_h",
            "catalog_var_prob_b",
            "amplitude",
            "net_counts",
        ):
            file[f"truth/{name}"] = rng.normal(size=ROWS)
        file["truth/value"] = rng.normal(size=(ROWS, 4))
        file["detection/file"][:] = [f"simulated 9:{i}".encode() for i in range(ROWS)]
    write.write_texts(other, data, tmp_path / "texts.jsonl")
    again = lines(tmp_path / "texts.jsonl")[1:]
    for old, new in zip(lines(written[0])[1:], again, strict=True):
        assert (old["text"], old["plain"]) == (new["text"], new["plain"])


def test_the_text_does_depend_on_the_physics(written, data, tmp_path):
    other = write_truth(tmp_path / "spectra.h5", data, ROWS, seed=8)
    write.write_texts(other, data, tmp_path / "texts.jsonl")
    pairs = zip(lines(written[0])[1:], lines(tmp_path / "texts.jsonl")[1:], strict=True)
    assert np.mean([old["text"] != new["text"] for old, new in pairs]) > 0.9


def test_another_seed_other_words_the_same_seed_the_same_bytes(written, spectra, data, tmp_path):
    write.write_texts(spectra, data, tmp_path / "a.jsonl", seed=0)
    write.write_texts(spectra, data, tmp_path / "b.jsonl", seed=1)
    assert (tmp_path / "a.jsonl").read_bytes() == written[0].read_bytes()
    old, new = lines(tmp_path / "a.jsonl")[1:], lines(tmp_path / "b.jsonl")[1:]
    assert all(a["text"] != b["text"] for a, b in zip(old, new, strict=True))


def test_a_file_without_the_optional_columns_will_do(data, tmp_path):
    path = write_truth(tmp_path / "spectra.h5", data, 20, curves=False)
    with h5py.File(path, "r+") as file:
        for name in ("share", "line", "redshift"):
            del file[f"truth/{name}"]
    assert write.write_texts(path, data, tmp_path / "t.jsonl").rows == 20
    kinds = {kind for row in lines(tmp_path / "t.facts.jsonl")[1:] for kind in row["facts"]}
    assert not kinds & {"hard share", "iron line", "redshift", "variability"}


def damage(path, what):
    with h5py.File(path, "r+") as file:
        if what == "truth":
            del file["truth"]
        elif what == "simulated":
            file.attrs["simulated"] = False
        elif what == "population":
            del file["truth/population"]
        elif what == "catalog":
            file.attrs["catalog_sha256"] = "0" * 64
        elif what == "source":
            file["detection/source_id"][3] = b"2CXO J000000.0+000009"


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("truth", "is not simulated"),
        ("simulated", "is not simulated"),
        ("population", "lacks population"),
        ("catalog", "does not follow"),
        ("source", "row 3"),
    ],
)
def test_what_cannot_be_told_is_refused_and_leaves_no_file(data, spectra, tmp_path, what, message):
    path = tmp_path / "spectra.h5"
    path.write_bytes(spectra.read_bytes())
    damage(path, what)
    with pytest.raises(ChandraEmbedError, match=message) as caught:
        write.write_texts(path, data, tmp_path / "t.jsonl")
    assert "\n" not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["spectra.h5"]


def test_a_missing_table_or_folder_is_named(data, spectra, tmp_path):
    with pytest.raises(ChandraEmbedError, match="no_folder"):
        write.write_texts(spectra, data, tmp_path / "no_folder" / "t.jsonl")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "arxiv_xray_abstracts.jsonl").write_text("")
    with pytest.raises(ChandraEmbedError, match="muwclass_TD"):
        write.write_texts(spectra, tmp_path, tmp_path / "t.jsonl")


def test_a_real_simulated_file_holds_what_is_needed(data, tmp_path):
    """The simulator's own file: its columns are those that texts are made of."""
    from chandra_embed.inference.simulate.output import TRUTH

    assert set(write.NEEDED) <= {name for name, *_ in TRUTH}
    assert store.SPECTRA == "chandra-embed/spectra"
