"""What a figure depends on: the machine, the versions and the threads."""

import os
import platform
import resource
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from chandra_embed.inference.threads import thread_count
from timing import ABSENT, Section, optional

PACKAGES = ("chandra-embed", "numpy", "scipy", "numba", "scikit-learn", "onnxruntime-gpu", "onnxruntime")
PACKAGES += ("h5py", "astropy", "faiss-cpu", "pyod", "torch")


def peak_memory() -> float:
    """Return the largest resident memory of this process so far, MB.

    Linux hands ``ru_maxrss`` on to children, so there the process's own high-water mark is read.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def give_threads() -> None:
    """Have every library of the processes started from here use the same threads and BLAS kernels."""
    for name in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{name}_NUM_THREADS"] = str(thread_count())
    kernels = _blas().get("numpy", {}).get("architecture")
    if kernels:
        os.environ.setdefault("OPENBLAS_CORETYPE", kernels)


def facts(load: tuple[float, ...]) -> Section:
    """Describe this machine; `load`: its load averages before the run."""
    text = (
        "FAISS brings an OpenBLAS of its own, which on a processor newer than itself takes old, far slower "
        "kernels; `OPENBLAS_CORETYPE` tells it to take those of numpy's, here and in every contender."
    )
    section = Section("Machine and versions", text, ("what", "value"))
    memory = "unknown"
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GiB"
    section.rows += [
        ("date", f"{datetime.now(UTC):%Y-%m-%d}"),
        ("processor", _processor()),
        ("CPUs", f"{os.cpu_count()}"),
        ("memory", memory),
        ("threads used, by every contender unless said", f"{thread_count()}"),
        ("load average before the run (1, 5, 15 min)", ", ".join(f"{one:.2f}" for one in load) or "unknown"),
        ("system", f"{platform.system()} {platform.release()}, Python {platform.python_version()}"),
    ]
    optional("faiss")
    for name, library in _blas().items():
        kernels = f"{library['internal_api']} {library['version']}, {library.get('architecture')} kernels"
        section.rows.append((f"BLAS of {name}", kernels))
    section.rows += [(package, _version(package)) for package in PACKAGES]
    return section


def _blas() -> dict[str, dict[str, str]]:
    """Return what threadpoolctl says of the BLAS of numpy and, where it is loaded, of FAISS."""
    import numpy  # noqa: F401
    from threadpoolctl import threadpool_info

    folders = [(Path(one["filepath"]).parent.name, one) for one in threadpool_info()]
    return {
        name: one
        for name in ("numpy", "faiss")
        for folder, one in folders
        if one["user_api"] == "blas" and name in folder
    }


def _processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.exists() else ():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT
