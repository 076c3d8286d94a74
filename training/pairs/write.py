"""Write semi-simulated texts, one a simulated detection, and what each of them states rightly and wrongly.

A text is drawn from the seed, the source's name and how many detections of it came before: neither counts nor
events nor the noise of the spectrum can change a word of it.
"""

import csv
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import h5py

from ...inference.catalog import store
from ...inference.errors import ChandraEmbedError
from ...inference.text.table import FORMAT, FORMAT_VERSION
from ..datasets import split
from . import SEMI_SIMULATED
from .abstracts import FILE, Library, read_library
from .compose import CLASS_OMITTED, CLASS_WRONG, OMITTED, WRONG, Stated, compose, state
from .facts import COLUMNS, NEEDED, OPTIONAL, facts_of

FACTS = "chandra-embed/facts"
TABLE = "tables/muwclass_TD.csv"
SPLIT_VALIDATION, SPLIT_TEST = 0.1, 0.5  # shares of sources


@dataclass(frozen=True)
class Summary:
    """What was written.

    Parameters
    ----------
    rows : int
        Texts, one a detection.
    splits : dict of str to int
        Split -> texts.
    sources : dict of str to int
        Split -> sources.
    stated, wrong, omitted : int
        Facts said, those of them that are wrong, and facts left out, over all texts.
    facts : Path
        The file that lists them, text by text.
    """

    rows: int
    splits: dict[str, int]
    sources: dict[str, int]
    stated: int
    wrong: int
    omitted: int
    facts: Path


def write_texts(spectra: Path, data: Path, output: Path, seed: int = 0) -> Summary:
    """Write one semi-simulated text for every detection of a simulated file.

    Parameters
    ----------
    spectra : Path
        A ``spectra.h5`` simulated after ``tables/muwclass_TD.csv``.
    data : Path
        Folder with this table and ``texts/arxiv_xray_abstracts.jsonl``.
    output : Path
        JSON lines to write: a head (seed, rates, inputs), then file, name, source_id, text, plain (the same
        without class words), split, semi_simulated of each detection. Beside it ``<stem>.facts.jsonl``: the
        facts of each text with what is wrong and what is left out. Existing files are replaced.
    seed : int
        Another seed, other words, errors and omissions.

    Returns
    -------
    Summary
        Counts over all texts.

    Raises
    ------
    ChandraEmbedError
        A file cannot be read or written, the spectra are not simulated after this very table, or their truth
        lacks a column.
    """
    library, table = read_library(data), _read_table(data / TABLE)
    header = _header(spectra, data, seed, library.papers)
    splits: Counter[str] = Counter()
    stated: Counter[str] = Counter()
    sources: dict[str, set[str]] = {}
    sidecar = facts_path(output)
    parts = [path.with_name(path.name + ".part") for path in (output, sidecar)]
    try:
        with open(parts[0], "w", encoding="utf-8") as texts, open(parts[1], "w", encoding="utf-8") as facts:
            texts.write(json.dumps(header) + "\n")
            facts.write(json.dumps({**header, "format": FACTS}) + "\n")
            for line, said in _lines(spectra, data, table, library, seed):
                texts.write(json.dumps(line, ensure_ascii=False) + "\n")
                facts.write(json.dumps(_record(line["file"], said), ensure_ascii=False) + "\n")
                splits[line["split"]] += 1
                sources.setdefault(line["split"], set()).add(line["source_id"])
                stated.update(stated=len(said.facts), wrong=len(said.wrong), omitted=len(said.omitted))
        for part, path in zip(parts[::-1], (sidecar, output), strict=True):  # texts last: they say it is done
            os.replace(part, path)
    except OSError as error:
        raise ChandraEmbedError(f"{output}: cannot be written ({error.strerror or error})") from error
    finally:
        for part in parts:
            with suppress(OSError):  # what stood in its way may stand in the way of this too
                part.unlink(missing_ok=True)
    return Summary(
        rows=splits.total(),
        splits=dict(splits),
        sources={part: len(names) for part, names in sources.items()},
        stated=stated["stated"],
        wrong=stated["wrong"],
        omitted=stated["omitted"],
        facts=sidecar,
    )


def _header(spectra: Path, data: Path, seed: int, papers: dict[str, int]) -> dict[str, Any]:
    """Return the first line of the texts: all that decides the others."""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "semi_simulated": True,
        "note": SEMI_SIMULATED,
        "seed": seed,
        "omitted": OMITTED,
        "wrong": WRONG,
        "class_omitted": CLASS_OMITTED,
        "class_wrong": CLASS_WRONG,
        "spectra_sha256": store.sha256_file(spectra),
        "table_sha256": store.sha256_file(data / TABLE),
        "abstracts_sha256": store.sha256_file(data / FILE),
        "papers": papers,
    }


def left_over(output: Path, spectra: Path, seed: int) -> bool:
    """Whether facts stand there alone that a stopped run of the same spectra and seed has written."""
    path = facts_path(output)
    if output.exists() or not path.is_file():
        return False
    try:
        with open(path, encoding="utf-8") as file:
            head = json.loads(file.readline())
        same = (head["format"], head["seed"]) == (FACTS, seed)
        return same and bool(head["spectra_sha256"] == store.sha256_file(spectra))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def facts_path(output: Path) -> Path:
    """Return where the facts of a file of texts are listed."""
    return output.with_name(f"{output.stem}.facts.jsonl")


def _read_table(path: Path) -> list[dict[str, str]]:
    """Read the columns of the table that facts may use; no X-ray measurement is among them."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return [{name: row[name].strip() for name in COLUMNS} for row in csv.DictReader(file)]
    except (OSError, UnicodeDecodeError) as error:
        raise ChandraEmbedError(f"{path}: cannot be read ({error})") from error
    except (KeyError, AttributeError) as error:
        raise ChandraEmbedError(
            f"{path}: lacks a column or a cell ({error}); take muwclass_TD.csv"
        ) from error


def _lines(
    spectra: Path, data: Path, table: list[dict[str, str]], library: Library, seed: int
) -> Iterator[tuple[dict[str, Any], Stated]]:
    """Yield the line of each detection, and what it states."""
    with store.open_store(spectra, store.SPECTRA) as file:
        _check(spectra, file, data)
        columns = {name: store.read_column(file, name) for name in ("file", "name", "source_id")}
        truth = {name: _truth(file, name) for name in (*NEEDED, *OPTIONAL) if f"truth/{name}" in file}
    source_id = columns["source_id"]
    masks = split(source_id, 0, SPLIT_VALIDATION, SPLIT_TEST)
    before: Counter[str] = Counter()
    for i, source in enumerate(map(str, source_id)):
        part = next(name for name, mask in masks.items() if mask[i])
        row = table[truth["catalog_row"][i]]
        if row["CSCv2_name"] != source:
            raise ChandraEmbedError(f"{spectra}: row {i} is {source}, its table row {row['CSCv2_name']}")
        random = Random(f"{seed}:{source}:{before[source]}").random
        before[source] += 1
        said = state(facts_of({name: values[i] for name, values in truth.items()}, row), random)
        text, plain = compose(said.facts, part, library, random)
        yield (
            {
                "file": str(columns["file"][i]),
                "name": str(columns["name"][i]),
                "source_id": source,
                "text": text,
                "plain": plain,
                "split": part,
                "semi_simulated": True,
            },
            said,
        )


def _check(spectra: Path, file: h5py.File, data: Path) -> None:
    """Refuse spectra whose physics may hold fits of another table, or that lack a column of truth."""
    mend = f"simulate with --catalog {data / TABLE}"
    if not store.row_count(file):
        raise ChandraEmbedError(f"{spectra}: holds no detection; simulate some")
    if not file.attrs.get("simulated", False) or "truth" not in file:
        raise ChandraEmbedError(f"{spectra}: is not simulated, so nothing is known of its physics; {mend}")
    lacking = [name for name in NEEDED if name not in file["truth"]]
    if lacking:
        raise ChandraEmbedError(f"{spectra}: /truth lacks {', '.join(lacking)}; {mend}")
    if file.attrs.get("catalog_sha256") != store.sha256_file(data / TABLE):
        raise ChandraEmbedError(f"{spectra}: does not follow {data / TABLE}; {mend}")


def _truth(file: h5py.File, name: str) -> list[Any]:
    """Read one column of /truth as Python numbers or strings."""
    return list(store.read_dataset(file[f"truth/{name}"]).tolist())


def _record(file: str, said: Stated) -> dict[str, Any]:
    """Return the line of a text in the list of facts."""
    facts = {fact.kind: fact.value for fact in said.facts}
    return {"file": file, "facts": facts, "wrong": said.wrong, "omitted": said.omitted}
