"""Commands killed with SIGKILL just before one of their renames: the same command again ends well."""

import inspect
import json
import signal
import subprocess
import sys
from importlib import import_module

import h5py
import numpy as np
import pytest
from chandra_embed.inference.cli.main import main
from click.testing import CliRunner
from pairs_data import write_data, write_truth
from small import write_spectra

# forks after the imports, so that a kill costs no more than the command it ends
KILLS = """
import json, os, signal, sys
from importlib import import_module
from chandra_embed.inference.cli.main import main
for name in sys.argv[2:]:
    import_module(name)
for before, command in json.loads(sys.argv[1]):
    child = os.fork()
    if not child:
        real, left = os.replace, [before]
        def replace(*paths):
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            real(*paths)
        os.replace = replace
        main(command)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
TRAIN = ("--width", 8, "--depth", 1, "--latents", 2, "--epochs", 2, "--test", 0.4)
pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kills a process with SIGKILL")


def run(*arguments):
    done = CliRunner().invoke(main, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output


def killed(modules, *commands):
    """Run commands, which need modules, each killed before the rename of its number, the first being 0."""
    plain = [[before, [str(each) for each in command]] for before, command in commands]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLS, json.dumps(plain), *modules],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    codes = [line for line in done.stdout.splitlines() if line.lstrip("-").isdigit()]
    assert codes == [str(-signal.SIGKILL)] * len(commands), done.stdout + done.stderr


def datasets(path):
    """Return the bytes of every dataset of an HDF5 file."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[...].tobytes()} if hasattr(item, "dtype") else {})
        )
    return found


def test_simulate_pairs_and_text_end_well_after_a_kill(tmp_path, monkeypatch):
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", "1")
    data = write_data(tmp_path / "data")
    monkeypatch.setenv("CHANDRA_EMBED_DATA", str(data))
    truth = write_truth(tmp_path / "truth.h5", data, 24)
    texts = tmp_path / "texts.csv"
    rows = [f"the {a} {b} varies" for a in ("hard", "soft", "faint") for b in ("star", "pulsar", "binary")]
    texts.write_text("text\n" + "\n".join(rows * 3) + "\n")
    commands = {
        "s.h5": ("simulate", "-n", 20, "-o"),
        "p.jsonl": ("train", "pairs", truth, "-o"),
        "text": ("train", "text", texts, "--components", 3, "-o"),
    }
    kills = [(name, 0) for name in commands] + [("p.jsonl", 1), ("text", 1), ("text", 2)]
    folders = [tmp_path / f"{name}-{before}" for name, before in kills]
    for folder in folders:
        folder.mkdir()
    killed(
        ["sklearn.decomposition", "chandra_embed.inference.catalog.spectra_file"],
        *(
            (before, (*commands[name], folder / name))
            for (name, before), folder in zip(kills, folders, strict=True)
        ),
    )
    whole = tmp_path / "whole"
    whole.mkdir()
    for name, command in commands.items():
        run(*command, whole / name)
    for (name, _), folder in zip(kills, folders, strict=True):
        assert not (folder / name).is_file()
        run(*commands[name], folder / name)
        check_same(whole, folder, name)


def check_same(whole, folder, name):
    """What was made after a kill is what is made without one, and nothing is left over."""
    if name == "s.h5":
        assert datasets(folder / name) == datasets(whole / name)
        assert sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock")) == [name]
        return
    made = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    wanted = {path: (whole / path).read_bytes() for path in made}
    assert made == wanted
    expected = {
        "p.jsonl": ["p.facts.jsonl", "p.jsonl"],
        "text": ["meta.json", "vocabulary.json", "weights.npz"],
    }
    assert sorted(path.name for path in made) == expected[name]


@pytest.mark.train
def test_training_ends_well_after_a_kill(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setenv("CHANDRA_EMBED_THREADS", "1")
    spectra = write_spectra(tmp_path / "s.h5", 60)
    train = ("train", "autoencoder", spectra, *TRAIN, "-o")
    killed(
        ["chandra_embed.training.loop"],
        (1, (*train, tmp_path / "first")),  # meta.json of the first epoch is there, its checkpoint not
        (3, (*train, tmp_path / "second")),  # the second epoch likewise
    )
    run(*train, tmp_path / "whole")
    wanted = torch.load(tmp_path / "whole" / "checkpoint.pt", weights_only=True)
    for name in ("first", "second"):
        assert (tmp_path / name / "meta.json").is_file()
        run(*train, tmp_path / name)
        found = torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)
        for tensor, other in zip(found["best"].values(), wanted["best"].values(), strict=True):
            np.testing.assert_array_equal(tensor.numpy(), other.numpy())
        meta = json.loads((tmp_path / name / "meta.json").read_text())
        assert meta["finished"]
        assert len(meta["history"]) == 2


@pytest.mark.parametrize(
    "name",
    [
        "alignment",
        "clustering",
        "latents",
        "nuisance",
        "rare",
        "reconstruction",
        "regression",
        "sweep",
        "variability",
    ],
)
def test_the_main_table_is_what_an_evaluation_writes_last(name):
    """Its being there makes the next run refuse, so nothing may be missing beside it."""
    pytest.importorskip("matplotlib")
    source = inspect.getsource(import_module(f"chandra_embed.training.evaluation.{name}").run)
    last = max(source.rfind(call) for call in ("write_result(", "save_figure(", "_draw("))
    assert last == source.rfind("write_result(") > 0
    assert "_write" not in source[last + len("write_result(") :]
