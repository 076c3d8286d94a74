"""From files to ``spectra.h5``: every input gets one fate, and what can be used one row."""

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Quarantined
from ..hardness import hardness_columns
from ..preprocess import band_counts, preprocess, resample
from ..progress import Progress
from ..recipe import Recipe
from . import inputs
from .fits import Companions, read_spectrum
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
    table = read_response_table(responses, given) if responses else {}
    collections = [one for one in given if is_collection(one.path)]
    files = [one for one in given if one not in collections]
    fates = inputs.decide(files, table)
    without: Counter[str] = Counter()
    digest = hashlib.sha256()
    quarantine: list[tuple[str, str]] = []
    with SpectraWriter(output, recipe, {"simulated": False}) as writer:
        with Progress(len(fates.used), "ingest", unit="files") as progress:
            for one in list(fates.used):
                companions = _companions(one, table, fates)
                _use(one, companions, recipe, writer, fates, without)
                digest.update(one.label.encode() + sha256_file(one.path).encode())
                progress.update(1)
        for one in collections:
            digest.update(one.label.encode() + sha256_file(one.path).encode())
            quarantine += _use_collection(one, recipe, writer)
        _follow(fates)
        quarantine = [(one.label, str(error)) for one, error in fates.quarantined.items()] + quarantine
        companion = [(one.label, of.label, why) for one, (of, why) in fates.companions.items()]
        used = writer.rows_with_pending
        counts = {
            "given": used + len(companion) + len(quarantine),
            "used": used,
            "companions": len(companion),
            "quarantined": len(quarantine),
        }
        writer.close(companion, quarantine, {**counts, "input_sha256": digest.hexdigest()})
    return Summary(**counts, companion=companion, quarantine=quarantine, without=dict(without))


def _companions(one: Given, table: dict[Path, Companions], fates: Fates) -> Companions:
    named = table.get(one.path.resolve(), Companions())
    return Companions(named.background or fates.paired.get(one), named.arf, named.rmf)


def _use(
    one: Given,
    companions: Companions,
    recipe: Recipe,
    writer: SpectraWriter,
    fates: Fates,
    without: Counter[str],
) -> None:
    try:
        spectrum = read_spectrum(one.path, companions)
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
        writer.append(detection, value, error, spectrum.observation)
    except Quarantined as problem:
        fates.used.remove(one)
        fates.quarantined[one] = problem
        return
    for note in spectrum.notes:
        logger.info("%s: %s", one.label, note)
    for what in ("background", "arf", "rmf"):
        without[what] += not spectrum.detection[f"has_{what}"]


def _use_collection(one: Given, recipe: Recipe, writer: SpectraWriter) -> list[tuple[str, str]]:
    """Write the rows of a collection; return those set aside as (file#row, reason)."""
    aside = []
    try:
        for row in read_collection(one.path, recipe):
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
        aside.append((one.label, str(problem)))
    return aside


def _follow(fates: Fates) -> None:
    """A copy of a spectrum that could not be used cannot be used either."""
    for one, (of, why) in list(fates.companions.items()):
        if of in fates.quarantined and why.startswith("grouped copy"):
            del fates.companions[one]
            fates.quarantined[one] = fates.quarantined[of]


def source_id(detection: dict[str, Any]) -> str:
    """Return what identifies the source of a detection: its name, else ObsID and region, else its file."""
    if detection.get("name"):
        return str(detection["name"])
    if detection.get("obsid", -1) >= 0 and detection.get("region_id", -1) >= 0:
        return f"{detection['obsid']}_{detection.get('obi', -1)}_{detection['region_id']}"
    return str(detection["file"])
