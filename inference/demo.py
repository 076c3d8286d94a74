"""The whole chain on a small simulated catalog: spectra, embeddings, scores, a table and pictures."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from .catalog import store, tables
from .catalog.lock import writing
from .embed import embed_file
from .encoder import Encoder
from .errors import StoreError
from .recipe import recipe_from_json
from .score import score_file
from .simulate.output import write_simulation

FILES = ("spectra.h5", "embeddings.h5", "scores.fits", "strangest.ecsv", "overview.png", "overview.pdf")
STRANGEST = 20
COLUMNS = (
    "row",
    "simulated",
    "class",
    "net_counts",
    "anomaly",
    "knn_distance",
    "isolation",
    "reconstruction_error",
)


@dataclass
class Demo:
    """What the demonstration made.

    Parameters
    ----------
    folder : Path
        Holds :data:`FILES`.
    rows : int
        Simulated detections.
    seconds : dict of str to float
        Time of each step.
    """

    folder: Path
    rows: int
    seconds: dict[str, float] = field(default_factory=dict)


def run_demo(
    folder: Path,
    *,
    rows: int = 3000,
    seed: int = 0,
    model: str | Path = "spectrum-8",
    overwrite: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Demo:
    """Simulate a catalog, embed, score and tabulate it, and draw what came out.

    Parameters
    ----------
    folder : Path
        Where :data:`FILES` go; made where it is not there.
    rows : int
        Detections to simulate.
    seed : int
        Seed of the simulation.
    model : str or Path
        Frozen bundle.
    overwrite : bool
        Replace files of an earlier run.
    say : callable, optional
        Called with one line before each step.

    Returns
    -------
    Demo

    Raises
    ------
    StoreError
        One of the files exists and `overwrite` is False, or the folder cannot be made.
    ModuleNotFoundError
        matplotlib is not installed.
    """
    import matplotlib  # noqa: F401  (what is missing should show before the work, not after it)

    _check_folder(folder, overwrite)
    steps = _steps(folder, rows, seed, model)
    done = Demo(folder, rows)
    with writing(folder / FILES[0]):  # one demonstration a folder
        for i, (name, (what, step)) in enumerate(steps.items(), 1):
            say(f"{i}/{len(steps)} {name}: {what}")
            began = time.monotonic()
            step()
            done.seconds[name] = time.monotonic() - began
    return done


def _steps(
    folder: Path, rows: int, seed: int, model: str | Path
) -> dict[str, tuple[str, Callable[[], object]]]:
    """Return each step by name: what it makes, and the call that does it."""
    spectra, embeddings, scores, strangest, *pictures = (folder / name for name in FILES)
    encoder = Encoder.load(model)
    bundle = f"{encoder.manifest.name} {encoder.manifest.version}"
    return {
        "simulate": (
            f"{rows:,} detections -> {spectra}",
            lambda: write_simulation(spectra, rows, seed, encoder.recipe),
        ),
        "embed": (
            f"with the frozen bundle {bundle} on {encoder.device} -> {embeddings}",
            lambda: embed_file(spectra, embeddings, model=model, overwrite=True),
        ),
        "score": (
            f"degrees, neighbours, anomalies -> {embeddings}",
            lambda: score_file(embeddings, seed=seed),
        ),
        "table": (f"-> {scores}, {strangest}", lambda: _write_tables(embeddings, scores, strangest)),
        "draw": (
            f"-> {', '.join(map(str, pictures))}",
            lambda: _draw(spectra, embeddings, encoder, pictures),
        ),
    }


def _check_folder(folder: Path, overwrite: bool) -> None:
    """Make the folder, or refuse one that holds files of an earlier run."""
    there = [name for name in FILES if (folder / name).exists()]
    if there and not overwrite:
        raise StoreError(f"{folder}: holds {', '.join(there)} already; give --overwrite to replace them")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot be made ({error.strerror or error}); give another folder"
        ) from error


def _write_tables(embeddings: Path, scores: Path, strangest: Path) -> None:
    with store.open_store(embeddings, store.EMBEDDINGS) as file:
        tables.write_table(tables.build_table(file), scores)
        tables.write_table(tables.build_table(file, columns=COLUMNS, top=STRANGEST), strangest)


def _draw(spectra: Path, embeddings: Path, encoder: Encoder, pictures: list[Path]) -> None:
    """Draw the overview of two finished files."""
    from .report.figures import Overview, overview, save

    with (
        store.open_store(embeddings, store.EMBEDDINGS) as file,
        store.open_store(spectra, store.SPECTRA) as source,
    ):
        groups, anomaly = store.read_column(file, "class"), file["score/anomaly"][...]
        net = store.read_column(file, "net_counts")
        shown = pick(anomaly, net, groups)
        values = np.stack([source["spectrum/value"][row] for row in shown])
        data = Overview(
            embedding=file["embedding"][...],
            groups=groups,
            group_label="shape of the spectrum",
            anomaly=anomaly,
            thresholds=file["score/degree"].attrs["thresholds"],
            degree=file["score/degree"][...],
            energy_edges=source["spectrum/energy_edges"][...],
            spectra=values,
            reconstructions=encoder.reconstruct(values),
            captions=[_caption(row, groups, net, anomaly) for row in shown],
            unit=_axis_label(source),
            simulated=bool(file.attrs["simulated"]),
        )
    save(overview(data), pictures, "Simulated Chandra spectra, embedded and scored by chandra-embed")


def pick(anomaly: NDArray[np.float64], net: NDArray[np.float64], groups: NDArray[np.str_]) -> list[int]:
    """Return rows worth drawing: the brightest ordinary one of up to three groups, then the strangest.

    Parameters
    ----------
    anomaly, net : ndarray, shape (n,), float64
        Anomaly (NaN: not scored) and net counts.
    groups : ndarray, shape (n,), str
        Group of each row.

    Returns
    -------
    list of int
        At most four rows, none twice; row 0 where nothing was scored.
    """
    scored = np.flatnonzero(np.isfinite(anomaly))
    if not scored.size:
        return [0]
    strangest = int(scored[np.argmax(anomaly[scored])])
    names, sizes = np.unique(groups[scored], return_counts=True)
    rows = []
    for name in names[np.argsort(-sizes, kind="stable")][:3]:
        ordinary = scored[(groups[scored] == name) & (anomaly[scored] <= np.median(anomaly[scored]))]
        if ordinary.size:
            rows.append(int(ordinary[np.argmax(net[ordinary])]))
    return [row for row in rows if row != strangest] + [strangest]


def _caption(
    row: int, groups: NDArray[np.str_], net: NDArray[np.float64], anomaly: NDArray[np.float64]
) -> str:
    return f"row {row}: {groups[row]}, {net[row]:,.0f} net counts, anomaly {anomaly[row]:.2f}"


def _axis_label(source: h5py.File) -> str:
    quantity = recipe_from_json(str(source.attrs["recipe"])).quantity
    return {
        "rate": r"rate density (counts s$^{-1}$ keV$^{-1}$)",
        "flux": r"flux density (photons cm$^{-2}$ s$^{-1}$ keV$^{-1}$, approximate)",
    }[quantity]
