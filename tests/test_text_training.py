import json
import os
import subprocess
import sys

import numpy as np
import pytest
from chandra_embed.inference.cli.main import main
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.text.encoder import open_text_encoder
from chandra_embed.training.text import fit_tfidf, kept_share, train_text
from click.testing import CliRunner
from threadpoolctl import threadpool_limits

NOUNS = ("binary", "star", "pulsar", "quasar", "galaxy", "cluster", "nova", "jet", "disc", "wind")
VERBS = ("flares", "fades", "pulses", "varies", "rests")
TEXTS = [
    f"The {NOUNS[i % 10]} {VERBS[i % 5]} near a {NOUNS[(3 * i + i // 7) % 10]} {i % 4}.{i % 3}"
    for i in range(80)
]
FIT = """
import sys
from pathlib import Path
from chandra_embed.training.text import fit_tfidf
fit_tfidf([line for line in sys.stdin.read().splitlines()], 12, 2, int(sys.argv[2])).save(Path(sys.argv[1]))
assert "torch" not in sys.modules
"""


@pytest.fixture
def files(tmp_path):
    """Two files of texts, the second with splits."""
    first, second = tmp_path / "first.csv", tmp_path / "second.jsonl"
    first.write_text("text\n" + "\n".join(TEXTS[:40]) + "\n")
    rows = [
        {"file": str(i), "text": text, "split": "train" if i % 2 else "test", "semi_simulated": True}
        for i, text in enumerate(TEXTS[40:])
    ]
    second.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return first, second


def saved(folder):
    return [(folder / name).read_bytes() for name in ("vocabulary.json", "weights.npz")]


def test_the_same_texts_and_seed_give_the_same_bytes_in_another_process(tmp_path):
    subprocess.run(
        [sys.executable, "-c", FIT, str(tmp_path / "there"), "3"],
        input="\n".join(TEXTS),
        env={**os.environ, "PYTHONHASHSEED": "1", "OPENBLAS_NUM_THREADS": "2"},
        text=True,
        check=True,
    )
    for name, threads, seed in (("one", 1, 3), ("two", 2, 3), ("other", 1, 4)):
        with threadpool_limits(limits=threads):
            fit_tfidf(TEXTS, 12, 2, seed).save(tmp_path / name)
    assert saved(tmp_path / "one") == saved(tmp_path / "two") == saved(tmp_path / "there")
    assert saved(tmp_path / "one") != saved(tmp_path / "other")


def test_components_are_orthonormal_and_their_signs_settled():
    components = fit_tfidf(TEXTS, 12).components
    np.testing.assert_allclose(components @ components.T, np.eye(12), rtol=0, atol=1e-5)
    largest = np.abs(components).argmax(axis=1)
    assert (components[np.arange(12), largest] > 0).all()


def test_rare_terms_are_left_out():
    encoder = fit_tfidf(["an old star", "an old galaxy", "an old star"], 2, min_df=2)
    assert encoder.vocabulary == ("an", "an old", "old", "old star", "star")
    np.testing.assert_allclose(encoder.idf, [1, 1, 1, np.log(4 / 3) + 1, np.log(4 / 3) + 1])
    assert "galaxy" in fit_tfidf(["an old star", "an old galaxy", "an old star"], 2, min_df=1).vocabulary


def test_texts_of_like_words_lie_together():
    encoder = fit_tfidf(TEXTS, 12)
    a, b, c = encoder.encode(["The pulsar pulses", "a PULSAR; pulses", "quasar varies"])
    assert a @ b > 0.9 > a @ c


@pytest.mark.parametrize(
    ("texts", "components", "min_df", "said"),
    [
        ([], 2, 2, "fewer than two words stand in 2 of the 0 texts"),
        (["", " ", "..."], 2, 1, "fewer than two words stand in 1 of the 3 texts"),
        (["a b", "c d"], 2, 2, "fewer than two words"),
        (["one", "one"], 1, 2, "fewer than two words"),
        (["a b", "a b"], 1, 3, "fewer than two words stand in 3 of the 2 texts"),
        (["a b c", "a b d"], 3, 1, "the texts hold 2 directions at most, 3 are asked for.*--components 2"),
        (["a b c"] * 5 + ["a d"] * 5, 5, 1, "the texts hold 2 directions, 5 are asked for.*--components 2"),
    ],
)
def test_too_few_texts_are_refused_in_one_line(texts, components, min_df, said):
    with pytest.raises(ChandraEmbedError, match=said):
        fit_tfidf(texts, components, min_df)


@pytest.mark.parametrize("wrong", [{"n_components": 0}, {"min_df": 0}, {"seed": -1}])
def test_settings_that_are_no_numbers_of_things_are_refused(wrong):
    with pytest.raises(ValueError, match="give a whole number, at least"):
        fit_tfidf(TEXTS, **wrong)


def test_equal_texts_have_one_direction():
    encoder = fit_tfidf(["the same words"] * 4, 1)
    np.testing.assert_allclose(encoder.encode(["the same words"]), [[1]])
    assert kept_share(encoder, ["the same words"] * 4) == pytest.approx(1)


def test_only_texts_for_training_are_fitted(tmp_path, files):
    meta = train_text(files, tmp_path / "run", n_components=8)
    kept = TEXTS[:40] + TEXTS[41::2]
    fit_tfidf(kept, 8).save(tmp_path / "expected")
    assert saved(tmp_path / "run") == saved(tmp_path / "expected")
    assert [(file["rows"], file["fitted"]) for file in meta["texts"]] == [(40, 40), (40, 20)]
    assert [file["semi_simulated"] for file in meta["texts"]] == [False, True]
    assert meta["semi_simulated"] is True
    assert meta["settings"] == {"n_components": 8, "min_df": 2, "seed": 0}
    assert (meta["kind"], meta["size"], meta["fitted"]) == ("tfidf", 8, 60)
    encoder = open_text_encoder(tmp_path / "run")
    assert meta["terms"] == len(encoder.vocabulary)
    bag = encoder.bag(kept).toarray()
    basis = encoder.components.astype(np.float64)
    assert meta["share"] == pytest.approx(((bag @ basis.T) ** 2).sum() / (bag**2).sum(), rel=1e-12)
    assert json.loads((tmp_path / "run" / "meta.json").read_text()) == meta
    assert str(tmp_path) not in (tmp_path / "run" / "meta.json").read_text()


def test_an_encoder_that_is_there_is_kept(tmp_path, files):
    train_text(files, tmp_path / "run", n_components=8)
    before = saved(tmp_path / "run")
    with pytest.raises(ChandraEmbedError, match=r"vocabulary\.json: exists; give another folder"):
        train_text(files, tmp_path / "run", n_components=4)
    assert saved(tmp_path / "run") == before
    assert train_text(files, tmp_path / "run", n_components=4, overwrite=True)["size"] == 4


def test_one_file_twice_is_refused(tmp_path, files):
    with pytest.raises(ChandraEmbedError, match="has the same bytes as a file before it"):
        train_text([files[0], files[0]], tmp_path / "run", n_components=8)
    assert not (tmp_path / "run").exists()


def test_the_command(tmp_path, files):
    call = ["train", "text", *map(str, files), "-o", str(tmp_path / "run"), "--components", "8"]
    done = CliRunner().invoke(main, call)
    assert done.exit_code == 0, done.output
    assert "semi-simulated texts" in done.stdout
    assert "second.jsonl" in done.stdout
    again = CliRunner().invoke(main, call)
    assert again.exit_code == 1
    assert again.stderr.startswith("error: ")
    assert again.stderr.count("\n") == 1
    as_json = CliRunner().invoke(main, [*call, "--overwrite", "--json"])
    assert json.loads(as_json.stdout) == json.loads((tmp_path / "run" / "meta.json").read_text())
    few = CliRunner().invoke(main, [*call[:3], "-o", str(tmp_path / "few")])
    assert (few.exit_code, few.stderr.count("\n")) == (1, 1)
    assert "give more texts, or --components" in few.stderr


@pytest.mark.real
def test_the_real_abstracts_in_their_default_form(tmp_path, chandra_data):
    path = chandra_data / "texts" / "arxiv_xray_abstracts.jsonl"
    meta = train_text([path], tmp_path)
    assert (meta["fitted"], meta["size"], meta["semi_simulated"]) == (203, 128, False)
    assert 0.5 < meta["share"] < 1
    encoder = open_text_encoder(tmp_path)
    cosine = (
        encoder.encode(["accreting neutron star in a low-mass X-ray binary"])
        @ encoder.encode(
            [
                "X-ray binaries with low mass donors and neutron stars",
                "galaxy cluster gas temperature profile",
            ]
        ).T
    )
    assert cosine[0, 0] > cosine[0, 1]
