"""The wheel: every package and the bundle in it, no torch and no compiled Rust behind it, and it runs."""

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IN_FOLDERS = ("models", "inference", "training", "export")
RUSTC = re.compile(rb"/rustc/[0-9a-f]{40}")
DEVELOPMENT = {"hypothesis"}  # what the tests need and a user does not get
# What may be another in the wheel's environment: files that ship, bundles and their golden outputs, the
# command line, and what each extra brings. The other files of the suite are collected there, which imports
# all they test without torch and onnx; what they find would be the same again.
IN_THE_WHEEL = (
    "test_bundle.py",  # every shipped bundle; real files through the whole chain
    "test_cli.py",
    "test_demo.py",  # extra plot
    "test_evaluation_records.py",  # records that ship
    "test_evaluation_symbolic.py",  # extra symbolic
    "test_registry.py",
    "test_runtime.py",
    "test_tables.py",  # extra parquet
    "test_telemetry.py",
    "test_text_encoder.py",
)
EVERY_MODULE = """
import importlib, pkgutil, sys
import chandra_embed
for module in pkgutil.walk_packages(chandra_embed.__path__, "chandra_embed."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        print(module.name, error.name)
"""


def packages_in_tree() -> set[str]:
    found = {"chandra_embed"}
    for top in IN_FOLDERS:
        for init in (ROOT / top).rglob("__init__.py"):
            found.add(".".join(("chandra_embed", *init.parent.relative_to(ROOT).parts)))
    return found


def test_every_package_is_listed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    assert set(listed) == packages_in_tree()
    assert len(listed) == len(set(listed))


def test_the_root_holds_a_docstring_only() -> None:
    assert [path.name for path in ROOT.glob("*.py")] == ["__init__.py"]
    import ast

    body = ast.parse((ROOT / "__init__.py").read_text()).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what git would hand out, so that no old build folder leaks in."""
    folder = tmp_path_factory.mktemp("wheel")
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in files:
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "src" / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(folder / "src")],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


@pytest.mark.wheel
def test_wheel_holds_every_module_and_the_bundle(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for top in IN_FOLDERS:
        for path in (ROOT / top).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"chandra_embed/{path.relative_to(ROOT).as_posix()}" in names
    assert "chandra_embed/py.typed" in names
    assert "chandra_embed/models/spectrum-8/encoder.onnx" in names
    assert not [name for name in names if name.startswith("chandra_embed/tests") or "__pycache__" in name]


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and what it asks for, nothing else; shared by the tests below."""
    venv = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    pip_install(venv / "bin", str(wheel))
    return venv / "bin"


def pip_install(installed: Path, *what: str) -> None:
    """Install into the environment; what is imported there is compiled there, and the rest never."""
    pip = [sys.executable, "-m", "pip", "--python", str(installed / "python"), "install", "-q"]
    options = ["--no-compile", "--disable-pip-version-check", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, *options, *what], check=True, capture_output=True)


def run(command: list[str], folder: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run with nothing set: no path of this checkout, and as many threads as a user gets."""
    dropped = ("PYTHON", "CHANDRA_EMBED", "OMP_", "OPENBLAS_", "MKL_")
    clean = {k: v for k, v in os.environ.items() if k == "CHANDRA_EMBED_DATA" or not k.startswith(dropped)}
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=clean, check=False)
    assert result.returncode == code, result.stdout[-4000:] + result.stderr[-4000:]
    return result


def shared_libraries(installed: Path) -> set[Path]:
    """Shared libraries of the environment, without what only the tests need."""
    found = {p for p in installed.parent.rglob("*") if re.search(r"\.(so|pyd|dylib)(\.|$)", p.name)}
    return {p for p in found if p.is_file() and not DEVELOPMENT & set(p.relative_to(installed.parent).parts)}


def holds_rust(path: Path) -> bool:
    """Tell whether a shared library holds compiled Rust; a plain search first, of hundreds of MB."""
    data = path.read_bytes()
    return b"RUST_BACKTRACE" in data or (b"/rustc/" in data and RUSTC.search(data) is not None)


@pytest.mark.wheel
def test_base_install_has_no_torch_no_onnx_no_rust(installed: Path, tmp_path: Path) -> None:
    listing = run(
        [sys.executable, "-m", "pip", "--python", str(installed / "python"), "list", "--format", "json"],
        tmp_path,
    ).stdout
    names = {row["name"].lower() for row in json.loads(listing)}
    assert not names & {"torch", "onnx", "onnxscript", "matplotlib", "pyarrow"}
    assert len(names & {"onnxruntime", "onnxruntime-gpu"}) == 1
    libraries = shared_libraries(installed)
    assert len(libraries) > 50
    assert [path.name for path in libraries if holds_rust(path)] == []


@pytest.mark.wheel
def test_every_module_is_imported_from_the_base_install(installed: Path, tmp_path: Path) -> None:
    found = run([str(installed / "python"), "-W", "error", "-c", EVERY_MODULE], tmp_path).stdout
    lacking = [line.split() for line in found.splitlines()]
    assert {name.split(".")[0] for _, name in lacking} <= {"torch", "onnx", "onnxscript"}
    assert {module.split(".")[1] for module, _ in lacking} == {"training", "export"}


@pytest.mark.wheel
def test_the_chain_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    program = str(installed / "chandra-embed")
    run([program, "simulate", "-n", "40", "-o", "s.h5"], tmp_path)
    run([program, "embed", "s.h5", "-o", "e.h5"], tmp_path)
    run([program, "score", "e.h5"], tmp_path)
    run([program, "table", "e.h5", "-o", "e.fits"], tmp_path)
    assert (tmp_path / "e.fits").stat().st_size > 0
    assert "train" in run([program, "--help"], tmp_path).stdout
    failed = run([program, "train", "autoencoder", "s.h5", "-o", "r"], tmp_path, code=1)
    assert "chandra-embed[train]" in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1


@pytest.mark.wheel
def test_the_runtime_suite_passes_against_the_wheel(installed: Path, wheel: Path, tmp_path: Path) -> None:
    base = shared_libraries(installed)
    pip_install(installed, f"{wheel}[plot,parquet,csc,symbolic]", "pytest", "hypothesis")
    added = shared_libraries(installed) - base
    assert added
    assert [path.name for path in added if holds_rust(path)] == []
    tests = [str(installed / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "tests")]
    chosen = ["-m", "not wheel and not train and not kernel", "-k", " or ".join(IN_THE_WHEEL)]
    shown = run([*tests, *chosen], tmp_path).stdout
    assert " passed" in shown
    for name in IN_THE_WHEEL:
        assert (ROOT / "tests" / name).is_file()
        assert not re.search(rf"SKIPPED .*\b{name}:\d+: could not import", shown), shown
