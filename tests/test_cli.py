import ast
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from chandra_embed.inference.cli.main import main
from chandra_embed.models import registry
from click.testing import CliRunner

ROOT = Path(registry.__file__).resolve().parent.parent
HEAVY = {
    *("numpy", "scipy", "h5py", "numba", "sklearn", "networkx", "astropy", "onnxruntime", "threadpoolctl"),
    *("torch", "onnx", "onnxscript", "matplotlib", "bokeh", "pyvo", "pyarrow", "pyoperon", "distributed"),
}
# the command line as it is promised
OPTIONS = {
    "demo": {"-o"},
    "fetch": {"--where", "-o", "--dry-run", "--limit"},
    "fetch-text": {"-o"},
    "ingest": {"--responses", "--region", "--group-min", "--quantity", "-o"},
    "simulate": {"-n", "--responses", "--seed", "-o"},
    "embed": {"-o", "--model", "--device", "--batch-size"},
    "score": {"-t", "-k", "--seed", "--device", "--min-counts", "--no-artefacts"},
    "neighbors": {"--name", "--obsid", "--file", "-k", "--all-detections"},
    "search": {"-k", "--all-detections"},
    "network": {"--where", "-t", "--modality", "--all-detections", "-o"},
    "report": {"-o"},
    "table": {"-o", "--where", "--columns", "--top"},
    "models": set(),
    "train": set(),
    "evaluate": set(),
    "export": {"-o"},
}


def tree(command, path=("chandra-embed",)):
    """Yield every command with the words that call it."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from tree(child, (*path, name))


COMMANDS = dict(tree(main))
by_words = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


def examples(path):
    """Return the commands that the help of a command shows."""
    lines = CliRunner().invoke(main, [*path[1:], "--help"]).output.splitlines()
    return [line.strip() for line in lines if line.strip().startswith("chandra-embed ")]


def options(command):
    """Return the options of a command."""
    return {option for parameter in command.params for option in parameter.opts}


@by_words
def test_help_works_and_shows_an_example_of_this_command(path):
    done = CliRunner().invoke(main, [*path[1:], "--help"])
    assert done.exit_code == 0, done.output
    assert COMMANDS[path].get_short_help_str()
    assert any(line.startswith(" ".join(path)) for line in examples(path))


@by_words
def test_the_options_of_every_example_exist(path):
    lines = examples(path)
    assert lines
    for line in lines:  # parsing raises on an option that is not there
        words, command = shlex.split(line)[1:], main
        while isinstance(command, click.Group) and words:
            command = command.commands[words.pop(0)]
        with click.Context(command) as context:
            command.make_parser(context).parse_args(words)


@pytest.mark.parametrize("name", list(main.commands))
def test_every_promised_option_exists(name):
    assert OPTIONS[name] <= options(main.commands[name])


def test_every_promised_option_of_train_autoencoder_exists():
    promised = {"--kind", "--latents", "--epochs", "--batch-size", "--lr", "--width", "--depth", "--heads"}
    promised |= {
        "--patch",
        "--dropout",
        "--mask",
        "--noise",
        "--denoise",
        "--weighted",
        "--test",
        "--rows",
        "--seed",
    }
    assert promised <= options(COMMANDS["chandra-embed", "train", "autoencoder"])


def test_every_promised_option_of_train_aligner_exists():
    promised = {"--texts", "--text", "--vectors", "--events", "--model", "--regulariser", "--weight"}
    assert promised | {"--epochs", "--seed", "-o"} <= options(COMMANDS["chandra-embed", "train", "aligner"])


def test_every_promised_option_of_train_events_exists():
    promised = {"--kind", "--latents", "--epochs", "--seed", "-o", "--overwrite", "--json"}
    assert promised <= options(COMMANDS["chandra-embed", "train", "events"])


def test_every_promised_option_of_evaluate_alignment_and_regression_exists():
    shared = {"--texts", "--model", "-o", "--overwrite", "--json"}
    assert shared <= options(COMMANDS["chandra-embed", "evaluate", "alignment"])
    assert shared | {"--data"} <= options(COMMANDS["chandra-embed", "evaluate", "regression"])


def test_every_promised_option_of_train_pairs_exists():
    assert {"-o", "--seed", "--overwrite", "--json"} <= options(COMMANDS["chandra-embed", "train", "pairs"])


def test_the_main_job_is_there():
    assert {"demo", "ingest", "simulate", "embed", "score", "neighbors", "search", "table", "models"} <= set(
        main.commands
    )


def test_train_and_export_stand_in_help_without_torch():
    code = (
        "import sys; sys.modules['torch'] = sys.modules['onnx'] = None; "
        "from chandra_embed.inference.cli.main import main; main(['--help'])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "train" in shown
    assert "export" in shown


@by_words
def test_every_command_can_be_quiet_or_verbose(path):
    command = COMMANDS[path]
    if not isinstance(command, click.Group):
        assert {"-v", "-q"} <= {option for parameter in command.params for option in parameter.opts}


def loaded_by(code):
    """Return the modules that are loaded once `code` has run in a new interpreter."""
    show = "import sys, json; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {show}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_the_command_line_starts_without_anything_heavy():
    assert not loaded_by("import chandra_embed.inference.cli.main") & HEAVY


def test_importing_the_package_costs_nothing():
    assert not loaded_by("import chandra_embed") & {*HEAVY, "click"}
    assert not loaded_by("import chandra_embed.inference") & HEAVY


def test_the_runtime_never_loads_torch_onnx_matplotlib_or_scikit_learn():
    code = "from chandra_embed.inference import Encoder; Encoder.load('spectrum-8', device='cpu')"
    assert not loaded_by(code) & {"torch", "onnx", "onnxscript", "matplotlib", "sklearn"}


def imported(path):
    """Yield (top folder or package, line) of everything a file of the package imports."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name.split(".")[0], node.lineno
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            tops = base[:1] if base[0] else [alias.name for alias in node.names]
            yield from ((f".{top}", node.lineno) for top in tops)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0], node.lineno


def files(folder):
    return sorted((ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("models", {".inference", ".training", ".export"}),
        ("inference", {".training", ".export", "torch", "onnx", "onnxscript"}),
        ("training", {".export"}),
        ("export", set()),
    ],
)
def test_imports_point_in_one_direction(folder, forbidden):
    assert files(folder)
    for path in files(folder):
        for top, line in imported(path):
            assert top not in {*forbidden, "chandra_embed"}, f"{path}:{line} imports {top}"


def test_models_import_only_the_standard_library_and_numpy():
    for path in files("models"):
        tops = {top for top, _ in imported(path) if not top.startswith(".")}
        assert tops <= {*sys.stdlib_module_names, "numpy"}, path


def test_onnxruntime_is_imported_in_one_place():
    found = [path.name for path in files("inference") if "onnxruntime" in {top for top, _ in imported(path)}]
    assert found == ["runtime.py"]


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-c", "from chandra_embed.inference.cli.main import main; main()", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_failure_is_one_line_and_a_traceback_only_when_asked():
    quiet = run("models", "show", "nothing")
    assert (quiet.returncode, quiet.stdout) == (1, "")
    assert quiet.stderr.startswith("error: 'nothing': no bundle")
    assert quiet.stderr.count("\n") == 1
    verbose = run("models", "show", "nothing", "-v")
    assert verbose.returncode == 1
    assert "Traceback" in verbose.stderr


def test_a_reader_that_has_gone_is_no_error():
    command = [sys.executable, "-c", "from chandra_embed.inference.cli.main import main; main()"]
    with subprocess.Popen(
        [*command, "models", "show", "spectrum-8"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        run.stdout.close()  # as head does once it has its lines
        told = run.stderr.read()
        run.wait(30)
    assert told == b""


def test_bad_use_exits_2():
    for arguments in (
        ["embed"],
        ["embed", "/no/such/file", "-o", "x"],
        ["models", "list", "--nonsense"],
        ["nonsense"],
    ):
        assert CliRunner().invoke(main, arguments).exit_code == 2


def test_version():
    done = CliRunner().invoke(main, ["--version"])
    assert done.exit_code == 0
    assert done.output.split()[-1][0].isdigit()


def test_models_list_names_the_shipped_bundle():
    done = CliRunner().invoke(main, ["models", "list"])
    assert done.exit_code == 0, done.output
    assert "spectrum-8" in done.stdout
    lines = [
        json.loads(line)
        for line in CliRunner().invoke(main, ["models", "list", "--json"]).stdout.splitlines()
    ]
    assert {"name", "version", "state", "quantity", "folder"} == set(lines[0])
    assert [line["state"] for line in lines if line["name"] == "spectrum-8"] == ["verified"]


def test_models_list_names_an_altered_bundle_and_goes_on(tmp_path, monkeypatch):
    shutil.copytree(registry.find("spectrum-8"), tmp_path / "broken")
    (tmp_path / "broken" / "encoder.onnx").write_bytes(b"")
    monkeypatch.setenv(registry.VARIABLE, str(tmp_path))
    done = CliRunner().invoke(main, ["models", "list", "--json"])
    assert done.exit_code == 0
    states = {line["name"]: line["state"] for line in map(json.loads, done.stdout.splitlines())}
    assert states["spectrum-8"] == "verified"
    assert "encoder.onnx: sha256 is" in states["broken"]


def test_models_show_tells_everything_in_the_manifest():
    manifest = registry.verify(registry.find("spectrum-8"))
    done = CliRunner().invoke(main, ["models", "show", "spectrum-8"])
    assert done.exit_code == 0, done.output
    for key in manifest.content:
        assert f"\n{key}:" in done.stdout
    facts = json.loads(CliRunner().invoke(main, ["models", "show", "spectrum-8", "--json"]).stdout)
    assert facts == {**manifest.content, "folder": str(manifest.folder), "sha256": manifest.sha256}


def test_models_verify(tmp_path):
    done = CliRunner().invoke(main, ["models", "verify", "spectrum-8"])
    assert done.exit_code == 0
    assert "is what its manifest says" in done.stdout
    facts = json.loads(CliRunner().invoke(main, ["models", "verify", "spectrum-8", "--json"]).stdout)
    assert facts["files"] == dict(registry.verify(registry.find("spectrum-8")).files)
    copy = shutil.copytree(registry.find("spectrum-8"), tmp_path / "copy")
    (copy / "decoder.onnx").write_bytes(b"")
    refused = CliRunner().invoke(main, ["models", "verify", str(copy)])
    assert refused.exit_code == 1
    assert "decoder.onnx: sha256 is" in refused.stderr
