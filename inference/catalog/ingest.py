"""From files to ``spectra.h5``: every input gets one fate, and what can be used one row."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ChandraEmbedError, Quarantined
from ..hardness import hardness_columns
from ..preprocess import band_counts, preprocess, resample
from ..progress import Progress
from ..recipe import Recipe
from . import inputs
from .fits import Companions, Spectrum, read_spectrum
from .inputs import Fates, Given
from .multimodal import is_collection, read_collection
from .response_table import read_response_table
from .spectra_file import SpectraWriter
from .store import sha256_file

logger = logging.getLogger("chandra_embed")


@dataclass(frozen=True)
class Summary:
    """What became of the inputs; used + companions + quarantined = given.

    `quarantine` holds (path, reason) and `companion` (path, of, why); `without` counts the used spectra
    that lack a background, an ARF or an RMF.
    """

    given: int
    used: int
    companions: int
    quarantined: int
    companion: list[tuple[str, str, str]]
    quarantine: list[tuple[str, str]]
    without: dict[str, int]


def ingest(paths: Sequence[Path], output: Path, recipe: Recipe, responses: Path | None = None) -> Summary:
    """Read every input, put each usable spectrum on the grid, and write ``spectra.h5``.

    Parameters
    ----------
    paths : sequence of Path
        Files and directories.
    output : Path
        The file to write; replaced where it exists.
    recipe : Recipe
        Quantity, grouping and grid.
    responses : Path, optional
        Table of responses and backgrounds that headers do not name.

    Returns
    -------
    Summary
        The fates; the same stand in the file.

    Raises
    ------
    ChandraEmbedError
        A path or a file that the table names does not exist.
    """
    given = inputs.discover(paths)
    _check_output(output, given, responses)
    table = read_response_table(responses, given) if responses else {}
    collections = [one for one in given if is_collection(one.path)]
    files = [one for one in given if one not in collections]
    fates = inputs.decide(files, table)
    without: Counter[str] = Counter()
    digest = hashlib.sha256()
    quarantine: list[tuple[str, str]] = []
    with SpectraWriter(output, recipe, {"simulated": False}) as writer:
        with Progress(len(fates.used), "ingest", unit="files") as progress:
            waiting = list(fates.used)
            while waiting:
                one = waiting.pop(0)
                _use(one, _companions(one, table, fates), recipe, writer, fates, without, digest.update)
                if one in fates.quarantined:
                    waiting = _promote_copy(one, fates) + waiting
                progress.update(1)
        rows = 0
        for one in collections:
            digest.update(one.label.encode() + sha256_file(one.path).encode())
            count, aside = _use_collection(one, recipe, writer)
            rows, quarantine = rows + count, quarantine + aside
        quarantine = [(one.label, str(error)) for one, error in fates.quarantined.items()] + quarantine
        companion = [(one.label, of.label, why) for one, (of, why) in fates.companions.items()]
        used = writer.rows_with_pending
        counts = {
            "given": len(files) + rows,
            "used": used,
            "companions": len(companion),
            "quarantined": len(quarantine),
        }
        if used + len(companion) + len(quarantine) != counts["given"]:
            raise ChandraEmbedError(
                f"{output}: the fates of the inputs do not add up ({counts}); report this"
            )
        writer.close(companion, quarantine, {**counts, "input_sha256": digest.hexdigest()})
    return Summary(**counts, companion=companion, quarantine=quarantine, without=dict(without))


def _companions(one: Given, table: dict[Path, Companions], fates: Fates) -> Companions:
    named = table.get(one.path.resolve(), Companions())
    return Companions(named.background or fates.paired.get(one), named.arf, named.rmf)


def _check_output(output: Path, given: Sequence[Given], responses: Path | None) -> None:
    """Refuse to write over what is to be read."""
    for path in (*(one.path for one in given), *((responses,) if responses else ())):
        if output.exists() and path.exists() and output.samefile(path):
            raise ChandraEmbedError(f"{output}: is one of the inputs; give another name to -o")


def _use(
    one: Given,
    companions: Companions,
    recipe: Recipe,
    writer: SpectraWriter,
    fates: Fates,
    without: Counter[str],
    digest: Callable[[bytes], None],
) -> None:
    """Read one file and add its row, or quarantine it."""
    try:
        spectrum = read_spectrum(one.path, companions)
        writer.append(*_row(one, spectrum, recipe), spectrum.observation)
    except Quarantined as problem:
        fates.quarantined[one] = problem
    except Exception as error:  # whatever is wrong with one file, the others go on
        fates.quarantined[one] = Quarantined("unreadable", f"{type(error).__name__}: {error}")
    if one in fates.quarantined:
        fates.used.remove(one)
        return
    digest(one.label.encode())
    for path in (one.path, spectrum.background_path, spectrum.arf_path, spectrum.rmf_path):
        digest(_sha256(path).encode() if path else b"-")
    for note in spectrum.notes:
        logger.info("%s: %s", one.label, note)
    for what in ("background", "arf", "rmf"):
        without[what] += not spectrum.detection[f"has_{what}"]


@lru_cache(maxsize=256)
def _sha256(path: Path) -> str:
    return sha256_file(path)


def _row(
    one: Given, spectrum: Spectrum, recipe: Recipe
) -> tuple[dict[str, Any], NDArray[np.float32], NDArray[np.float32]]:
    """Return the detection columns of a spectrum, its values on the grid and their errors."""
    value, error = preprocess(spectrum.observation, recipe)
    source, _, net = band_counts(spectrum.observation)
    detection: dict[str, Any] = {
        "file": one.label,
        **spectrum.detection,
        "counts": source,
        "background_counts": source - net,
        "net_counts": net,
        **hardness_columns(spectrum.observation),
    }
    detection["source_id"] = source_id(detection)
    return detection, value, error


def _promote_copy(one: Given, fates: Fates) -> list[Given]:
    """Let a copy of a spectrum that could not be used stand in for it, and return it."""
    copies = [c for c, (of, why) in fates.companions.items() if of == one and why.endswith("equal counts")]
    for copy in copies[1:]:
        fates.companions[copy] = (copies[0], fates.companions[copy][1])
    for copy in copies[:1]:
        del fates.companions[copy]
        fates.used.append(copy)
    return copies[:1]


def _use_collection(one: Given, recipe: Recipe, writer: SpectraWriter) -> tuple[int, list[tuple[str, str]]]:
    """Write the rows of a collection; return their number, and (file#row, reason) of those set aside."""
    aside = []
    count = 0
    try:
        for row in read_collection(one.path, recipe):
            count += 1
            label = f"{one.label}#{row.number}"
            try:
                if row.grouped is None:
                    raise row.problem or Quarantined("unreadable")
                detection = {"file": label, **row.detection}
                detection["source_id"] = source_id(detection)
                writer.append(detection, *resample(row.grouped, recipe), None)
            except Quarantined as problem:
                aside.append((label, str(problem)))
    except Quarantined as problem:
        return 1, [(one.label, str(problem))]
    if not count:
        return 1, [(one.label, str(Quarantined("no-counts", "the collection holds no rows")))]
    return count, aside


def source_id(detection: dict[str, Any]) -> str:
    """Return what identifies the source of a detection: its name, else ObsID and region, else its file."""
    if detection.get("name"):
        return str(detection["name"])
    if detection.get("obsid", -1) >= 0 and detection.get("region_id", -1) >= 0:
        return f"{detection['obsid']}_{detection.get('obi', -1)}_{detection['region_id']}"
    return str(detection["file"])
