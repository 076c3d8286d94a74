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
RUST = re.compile(rb"RUST_BACKTRACE|/rustc/[0-9a-f]{40}")


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
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), str(wheel)], check=True, capture_output=True)
    return venv / "bin"


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    keep = {"CHANDRA_EMBED_DATA"}
    clean = {
        k: v for k, v in os.environ.items() if k in keep or not k.startswith(("PYTHON", "CHANDRA_EMBED"))
    }
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=clean, check=False)
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
    return result


def compiled_rust(installed: Path) -> list[str]:
    """Shared libraries of the environment that hold compiled Rust."""
    libraries = [p for p in installed.parent.rglob("*") if re.search(r"\.(so|pyd|dylib)(\.|$)", p.name)]
    assert len(libraries) > 50
    return [p.name for p in libraries if p.is_file() and RUST.search(p.read_bytes())]


@pytest.mark.wheel
def test_base_install_has_no_torch_no_onnx_no_rust(installed: Path, tmp_path: Path) -> None:
    listing = run([str(installed / "python"), "-m", "pip", "list", "--format", "json"], tmp_path).stdout
    names = {row["name"].lower() for row in json.loads(listing)}
    assert not names & {"torch", "onnx", "onnxscript", "matplotlib", "pyarrow"}
    assert len(names & {"onnxruntime", "onnxruntime-gpu"}) == 1
    assert not compiled_rust(installed)


@pytest.mark.wheel
def test_the_chain_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    program = str(installed / "chandra-embed")
    run([program, "simulate", "-n", "40", "-o", "s.h5"], tmp_path)
    run([program, "embed", "s.h5", "-o", "e.h5"], tmp_path)
    run([program, "score", "e.h5"], tmp_path)
    run([program, "table", "e.h5", "-o", "e.fits"], tmp_path)
    assert (tmp_path / "e.fits").stat().st_size > 0
    assert "train" in run([program, "--help"], tmp_path).stdout
    failed = subprocess.run(
        [program, "train", "autoencoder", "s.h5", "-o", "r"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert failed.returncode == 1
    assert "chandra-embed[train]" in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1


@pytest.mark.wheel
def test_the_runtime_suite_passes_against_the_wheel(installed: Path, wheel: Path, tmp_path: Path) -> None:
    pip = [str(installed / "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run([*pip, "-c", str(ROOT / "constraints.txt"), f"{wheel}[plot,parquet,csc,symbolic]"], tmp_path)
    assert not compiled_rust(installed)
    run([*pip, "-c", str(ROOT / "constraints.txt"), "pytest", "hypothesis"], tmp_path)
    tests = [str(installed / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "tests")]
    result = run([*tests, "-m", "not wheel and not train and not kernel"], tmp_path)
    assert " passed" in result.stdout
