"""Bad input, and the one line that a user sees of it; the table is tests/error_lines/*.txt.

There stands a command after ``$``, or a file that several commands read, and under it the exit code and the
line that comes last on stderr, without its ``error: ``. `D` is the folder of the files; what another package
says, or differs from machine to machine, stands as ... there.
"""

import json
import re
import shlex
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from broken_files import EMBEDDINGS, SPECTRA, break_bundle, break_file, bundles
from chandra_embed.inference.catalog.spectra_file import SpectraWriter
from chandra_embed.inference.cli.main import main
from chandra_embed.inference.recipe import Recipe
from chandra_embed.models import registry
from click.testing import CliRunner
from embeddings_file import write_embeddings
from onnx_bytes import model
from pairs_data import write_data
from small import write_spectra

TABLES = Path(__file__).parent / "error_lines"
BROKEN = ("no-model", "model-opset", "model-ir", "leaves", "does-not-run", "other-model")


def table(name):
    """Return the commands of a table with their exit code and line."""
    blocks = (TABLES / f"{name}.txt").read_text().split("\n$ ")[1:]
    found = [block.strip().split("\n") for block in blocks]
    return [(command, int(said[:1]), said[2:]) for command, said in found]


def cases(name, command="FILE", keep=lambda file: True):
    """Return the cases of a table, each under its command; of files, under one that reads them."""
    return [
        pytest.param(command.replace("FILE", file), code, line, id=command.replace("FILE", file))
        for file, code, line in table(name)
        if keep(file)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files and bundles, whole and broken."""
    d = tmp_path_factory.mktemp("d")
    write_spectra(d / "s.h5", 12)
    write_spectra(d / "one.h5", 1)
    write_spectra(d / "train.h5", 60)
    with SpectraWriter(d / "none.h5", Recipe(), {"simulated": True}) as writer:
        writer.close()
    write_texts(d)
    write_tables(d)
    sha256 = registry.verify(registry.find("aligned-64")).sha256
    facts = {"bundle": "aligned-64", "bundle_version": "1.0.0", "bundle_sha256": sha256}
    write_embeddings(d / "e.h5", 12, d=64, **facts)
    write_embeddings(d / "none-e.h5", 0, d=64, **facts)
    shutil.copy(d / "e.h5", d / "in.fits")
    own = registry.verify(registry.find("spectrum-8"))
    facts = {"bundle": own.name, "bundle_version": own.version, "bundle_sha256": own.sha256}
    write_embeddings(d / "wordless.h5", 3, **facts)
    break_file(d / "s.h5", d / "s", SPECTRA)
    break_file(d / "e.h5", d / "e", EMBEDDINGS)
    (d / "empty").touch()
    (d / "words.txt").write_text("words\n")
    (d / "taken.fits").write_text("mine")
    (d / "dir.fits").mkdir()
    (d / "events").mkdir()
    (d / "ev").mkdir()
    (d / "done").mkdir()
    for name in ("alignment", "regression-events", "anomalies", "variability"):
        (d / "done" / f"{name}.json").write_text("{}")
    write_data(d / "data")
    with h5py.File(d / "foreign.h5", "w") as file:
        file["x"] = np.arange(3)
    return d


def write_texts(d):
    words = {"text": "the same words here"}
    lines = {
        "number.jsonl": [{"text": 3}],
        "newer.jsonl": [{"format": "chandra-embed/texts", "format_version": 9}],
        "blank.jsonl": [{"text": ""}] * 5,
        "one.jsonl": [words],
        "same.jsonl": [words] * 40,
        "named.jsonl": [{"file": f"sim/{i}.pi", **words} for i in range(12)],
        "named-blank.jsonl": [{"file": f"sim/{i}.pi", "text": ""} for i in range(12)],
        "strange.jsonl": [{"file": "elsewhere.pi", **words}],
    }
    for name, rows in lines.items():
        (d / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    (d / "cut.jsonl").write_text("{")
    (d / "deep.jsonl").write_text('{"a":' * 100_000)
    (d / "head.csv").write_text("name,text\n")
    (d / "latin.csv").write_bytes(b"text\n\xff\n")
    (d / "no-text.csv").write_text("name\nx\n")
    (d / "open.csv").write_text('name,text\n"a,b\n')


def write_tables(d):
    (d / "empty.csv").touch()
    (d / "rows0.csv").write_text("name,livetime\n")
    (d / "short.csv").write_text("name,livetime\nx\n")
    (d / "other.csv").write_text("a,b\n1,2\n")
    (d / "nan.csv").write_text("name,src_cnts_aper_s\nnan,nan\n,\n")
    (d / "name.csv").write_text("name,livetime\n2CXO J000000.0+000001,1000\n")


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Bundles with one thing wrong in each, and a file of spectra."""
    d = tmp_path_factory.mktemp("shelf")
    (d / "secret.bin").write_bytes(bytes(4))
    whole = registry.find("spectrum-8")
    models = {
        "no-model": b"words",
        "model-opset": model(opset=99),
        "model-ir": model(ir_version=99),
        "leaves": model("../secret.bin"),
        "does-not-run": model(),
        "other-model": (whole / "decoder.onnx").read_bytes(),
    }
    break_bundle(whole, d, bundles(models))
    write_spectra(d / "s.h5", 2)
    return d


def named(folder, text):
    """Put the folder where D stands on its own."""
    return re.sub(r"(?<!\w)D(?!\w)", str(folder), text)


def check(folder, command, code, line):
    """Run a command; its last line is the one wanted, and there is no other error."""
    left = sorted(folder.iterdir())
    done = CliRunner().invoke(main, [named(folder, part) for part in shlex.split(command)])
    told = done.stderr.splitlines()
    assert done.exit_code == code, done.output
    assert "-v shows where" not in done.stderr
    assert sum(bool(re.match(r"(?i)error: ", text)) for text in told) == 1
    pattern = re.escape(named(folder, line)).replace(re.escape("..."), ".*")
    assert re.fullmatch(f"[eE]rror: {pattern}", told[-1]), f"\n{told[-1]}\n{line}"
    assert sorted(folder.iterdir()) == left


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        *cases("files"),
        *cases("embeddings", "table FILE -o D/o.fits"),
        *cases("embeddings", "neighbors FILE --obsid 100"),
        *cases("embeddings", "search FILE variable"),
        *cases("texts"),
    ],
)
def test_bad_input_is_one_line(folder, command, code, line):
    check(folder, command, code, line)


@pytest.mark.parametrize(
    ("command", "code", "line"), cases("bundles", "embed D/s.h5 --model D/FILE -o D/o.h5")
)
def test_a_frozen_model_with_something_wrong_is_one_line(shelf, command, code, line):
    check(shelf, command, code, line)


def test_everything_broken_is_in_the_tables():
    assert {name for name, *_ in table("bundles")} == set(bundles(dict.fromkeys(BROKEN, b"")))
    told = (TABLES / "embeddings.txt").read_text() + (TABLES / "files.txt").read_text()
    assert all(f"D/e/{name}.h5" in told for name in EMBEDDINGS)
    told = "".join((TABLES / f"{name}.txt").read_text() for name in ("spectra", "values", "train"))
    assert all(f"D/s/{name}.h5" in told for name in SPECTRA)


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        *cases("pairs"),
        *cases("spectra", "train pairs FILE -o D/o.jsonl", lambda file: file.count("/") == 1),
    ],
)
def test_bad_input_of_train_pairs_is_one_line(folder, monkeypatch, command, code, line):
    monkeypatch.setenv("CHANDRA_EMBED_DATA", str(folder / "data"))
    check(folder, command, code, line)


@pytest.mark.parametrize(("command", "code", "line"), cases("evaluate"))
def test_bad_input_of_evaluations_is_one_line(folder, monkeypatch, command, code, line):
    pytest.importorskip("matplotlib")
    monkeypatch.delenv("CHANDRA_EMBED_DATA", raising=False)
    check(folder, command, code, line)


@pytest.fixture(scope="module")
def runs(folder):
    """The folder, with run folders whole and broken and a text encoder."""
    torch = pytest.importorskip("torch")
    from chandra_embed.training import checkpoint
    from chandra_embed.training.text import train_text

    train_text([folder / "same.jsonl"], folder / "words", n_components=1)
    small = ["--width", "8", "--depth", "1", "--latents", "2", "--epochs", "1", "--test", "0.4"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHANDRA_EMBED_THREADS", "1")
        command = ["train", "autoencoder", str(folder / "train.h5"), "-o", str(folder / "run8"), *small]
        done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    whole = torch.load(folder / "run8" / checkpoint.FILE, weights_only=True)
    changes = {
        "unfinished": {"finished": False},
        "newer": {"format_version": 2},
        "model-less": {"model": None},
        "misfit": {"model": {**json.loads(whole["meta"])["model"], "width": 16}},
        "of-events": {"kind": "events"},
    }
    for name, change in changes.items():
        (folder / name).mkdir()
        meta = json.dumps({**json.loads(whole["meta"]), **change})
        torch.save({**whole, "meta": meta}, folder / name / checkpoint.FILE)
    (folder / "junk").mkdir()
    (folder / "junk" / checkpoint.FILE).write_bytes(b"junk")
    (folder / "broken").mkdir()
    (folder / "broken" / "manifest.json").write_text("{")
    return folder


@pytest.mark.train
@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        *cases("train"),
        *(
            case
            for name in ("spectra", "values")
            for command in (
                "train autoencoder FILE -o D/run",
                "train aligner FILE --texts D/named.jsonl --text D/words -o D/run",
                "export D/run8 -o D/b --real FILE",
            )
            for case in cases(name, command)
        ),
        *cases("spectra", "train events FILE -o D/run"),
    ],
)
def test_bad_input_of_training_is_one_line(runs, command, code, line):
    pytest.importorskip("onnxscript")
    check(runs, command, code, line)
