"""Tables of ``evaluate`` taken into a bundle: of this encoder only, in the manifest and in the card alike."""

import json

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from chandra_embed.export.evaluation import read_evaluation, tables
from chandra_embed.inference.errors import ChandraEmbedError

pytestmark = pytest.mark.train

FILE = {"name": "s.h5", "sha256": "1" * 64}
FACTS = {"encoder_sha256": "a" * 64, "simulated": True, "files": [FILE]}


def write(folder, name, rows, **facts):
    (folder / f"{name}.json").write_text(json.dumps({**facts, "rows": rows}))


def test_only_what_was_chosen_and_is_shown_is_taken(tmp_path):
    rows = [
        {
            "latents": "pca",
            "classes": 8,
            "method": "k-means",
            "chosen": True,
            "balanced_accuracy": 0.31,
            "x": 1,
        },
        {"latents": "pca", "classes": 8, "method": "Ward", "chosen": False, "balanced_accuracy": 0.35},
    ]
    write(tmp_path, "clusters", rows, **FACTS)
    found = read_evaluation(tmp_path, "a" * 64)
    assert list(found) == ["clusters"]
    assert [row["method"] for row in found["clusters"]["rows"]] == ["k-means"]
    assert "x" not in found["clusters"]["rows"][0]
    text = tables(found)
    assert "SIMULATED spectra: s.h5" in text
    assert "| pca | 8 | k-means | 0.31 |" in text
    assert "Ward" not in text


def test_a_definition_stands_with_the_figures_it_is_of(tmp_path):
    row = {"latents": "pca", "classes": 8, "method": "k-means", "chosen": True, "balanced_accuracy": 0.5}
    write(tmp_path, "clusters", [row], **FACTS, definition="one cluster a class")
    found = read_evaluation(tmp_path, FACTS["encoder_sha256"])
    assert "Definition: one cluster a class." in tables(found)
    del found["clusters"]["definition"]
    assert "Definition" not in tables(found)


def test_several_models_of_which_this_is_one(tmp_path):
    rows = [{"recipe": "flux", "model": "other 1.0.0", "quantity": "year", "r2": None, "r2_linear": 0.1}]
    write(
        tmp_path, "nuisance", rows, samples=[FACTS, {**FACTS, "encoder_sha256": "b" * 64, "simulated": False}]
    )
    found = read_evaluation(tmp_path, "b" * 64)
    assert not found["nuisance"]["simulated"]
    assert "| flux | other 1.0.0 | year |  | 0.1 |" in tables(found)


def test_tables_of_another_encoder_are_refused(tmp_path):
    write(tmp_path, "latents", [], **FACTS)
    with pytest.raises(ChandraEmbedError, match=r"latents.json: was measured with another encoder"):
        read_evaluation(tmp_path, "c" * 64)


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(ChandraEmbedError, match="no table of chandra-embed evaluate"):
        read_evaluation(tmp_path, "a" * 64)


@pytest.mark.parametrize("text", ["{", "[]", "{}", "\xff"])
def test_a_broken_table_is_named(tmp_path, text):
    (tmp_path / "clusters.json").write_text(text, encoding="latin-1")
    with pytest.raises(ChandraEmbedError, match=r"clusters.json: not a table of chandra-embed evaluate"):
        read_evaluation(tmp_path, "a" * 64)
