"""One network from an embeddings file to its folder of tables, pictures and graphs."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..catalog import store
from ..catalog.lock import writing
from ..catalog.rewrite import make_room
from ..isolation import fit_forest
from ..progress import Progress
from . import folder as output
from . import group, tables
from .classes import LEVEL, class_shares
from .cloud_null import affordable, cloud_tests
from .embedding_null import MAX_PAIRS, embedding_tests
from .graph import MAX_EDGES
from .graphs import write_graphs
from .isolated import most_isolated
from .levels import Level, chosen_thresholds, find_levels
from .nulls import CORE, PAIRS, NullTest
from .pairs import Pairs, same_source_pairs
from .pictures import draw_pictures
from .result import Asked, AtLevel, Found, labels
from .robustness import other_source_distance, rank_agreement
from .select import Selection, select_nodes
from .with_edges import gather, graph_nulls, study

GRAPH_NULLS = (("density", CORE), ("degree", PAIRS))
ATTRIBUTES = ("bundle", "bundle_version", "bundle_sha256", "recipe", "recipe_fingerprint")


def run_network(path: Path, folder: Path, asked: Asked, *, overwrite: bool = False) -> Found:
    """Make the network of an embeddings file: write `folder`, and ``/network`` into the file.

    Parameters
    ----------
    path : Path
        What ``embed`` wrote; an earlier ``/network`` is replaced.
    folder : Path
        Folder to make; killed runs leave it as it was.
    asked : Asked
        Nodes, thresholds, nulls, seed.
    overwrite : bool
        Replace the network that `folder` holds; other files in it stay.

    Returns
    -------
    Found

    Raises
    ------
    ChandraEmbedError
        Fewer than two nodes, a condition that cannot be read, no such embedding.
    StoreError
        The file is not as ``embed`` leaves it, there is no room, another process is writing it, or `folder`
        is in the way.
    ValueError
        A threshold is not finite, or there is none.
    """
    output.may_write(folder, overwrite)
    with writing(path), writing(folder):  # what is read now is what /network is added to
        return _run(path, folder, asked)


def _run(path: Path, folder: Path, asked: Asked) -> Found:
    """Make the network while nobody else writes the file or the folder."""
    read = store.sha256_file(path)
    with store.open_store(path, store.EMBEDDINGS) as file:
        selection = select_nodes(file, where=asked.where, modality=asked.modality, join=asked.join)
        made_by = {name: file.attrs[name] for name in ATTRIBUTES if name in file.attrs}
    make_room(path, group.room(selection.of, len(asked.thresholds) + len(asked.densities)))
    excluded = None if asked.all_detections else same_source_pairs(selection.columns["source_id"])
    code = None if asked.all_detections else selection.source_code
    chosen = chosen_thresholds(selection.x, asked.thresholds, asked.densities, code, seed=asked.seed)
    levels = find_levels(selection.x, chosen, excluded)
    found = _described(path, folder, asked, selection, levels)
    with output.new_folder(folder) as draft:
        for each in found.levels:
            _study_edges(found, each, excluded, draft)
        _compare_embeddings(found, excluded)
        _compare_clouds(found, excluded)
        found.robustness = _rankings(found)
        found.notes.append(draw_pictures(found, draft))
        found.notes = [note for note in dict.fromkeys(found.notes) if note]
        _write(found, draft, {"embeddings": path.name, "embeddings_sha256": read, **made_by})
        group.write_group(path, selection, levels, _attributes(found))
    return found


def _described(path: Path, folder: Path, asked: Asked, selection: Selection, levels: list[Level]) -> Found:
    """Divide the classes and list the isolated at every threshold."""
    code = selection.source_code
    apart = None if asked.all_detections else code
    own = [
        AtLevel(
            level=level,
            label=label,
            classes=class_shares(selection.columns["class"], code, level.core.is_core),
            isolated=most_isolated(
                selection.x, level.degree, level.strength, apart, selection.columns, selection.rows
            ),
        )
        for level, label in zip(levels, labels([level.tau for level in levels]), strict=True)
    ]
    size = np.bincount(code)[1:]
    same = int((size * (size - 1) // 2).sum())
    return Found(path, folder, asked, selection, same, own)


def _study_edges(found: Found, each: AtLevel, excluded: Pairs | None, draft: Path) -> None:
    """Find and write what needs the edges of one threshold; say so where there are too many."""
    asked, selection, tau = found.asked, found.selection, each.level.tau
    graph = gather(selection.x, each.level, excluded)
    if graph is None:
        reason = f"{each.level.edges:,} edges, more than {MAX_EDGES:,}"
        each.nulls += [NullTest.without(null, name, reason) for null, name in GRAPH_NULLS]
        found.notes.append(f"at {each.label}: {reason}, so only what needs no edges")
        return
    each.edges = study(graph, selection.source_code, draws=asked.n_null, seed=asked.seed)
    found.notes += write_graphs(found, each, graph, draft)
    each.nulls += graph_nulls(graph, tau, excluded, n_null=asked.n_null, seed=asked.seed)


def _compare_embeddings(found: Found, excluded: Pairs | None) -> None:
    """Compare every threshold with embeddings whose dimensions are shuffled across sources."""
    asked, tau = found.asked, np.array([each.level.tau for each in found.levels])
    count = min(asked.n_null, int(MAX_PAIRS / (found.n * (found.n - 1) // 2)))
    with Progress(count, "network: null embedding", unit="shuffled embeddings") as progress:
        tests = embedding_tests(
            found.selection.x,
            tau,
            found.selection.source_code,
            excluded=excluded,
            n_null=asked.n_null,
            seed=asked.seed,
            on_null=progress.update,
        )
    for each, own in zip(found.levels, tests, strict=True):
        each.nulls += own


def _compare_clouds(found: Found, excluded: Pairs | None) -> None:
    """Compare every threshold with random points of the embedding's mean and covariance."""
    asked = found.asked
    observed = [{test.statistic: test.observed for test in each.nulls} for each in found.levels]
    count, _ = affordable(found.n, asked.n_null)
    with Progress(count, "network: null cloud", unit="clouds") as progress:
        tests = cloud_tests(
            found.selection.x,
            [each.level for each in found.levels],
            observed,
            found.selection.source_code,
            excluded=excluded,
            n_null=asked.n_null,
            seed=asked.seed,
            on_null=progress.update,
        )
    for each, own in zip(found.levels, tests, strict=True):
        each.nulls += own


def _rankings(found: Found) -> list[dict[str, Any]]:
    """Compare the rankings by degree at each threshold with each other, k-NN distance and isolation."""
    selection, asked = found.selection, found.asked
    apart = None if asked.all_detections else selection.source_code
    with Progress(found.n, "network: neighbours") as progress:
        distance = other_source_distance(selection.x, apart, on_rows=progress.update)
    scores: dict[str, NDArray[Any]] = {f"degree {each.label}": -each.level.degree for each in found.levels}
    scores["k-NN distance"] = distance
    scores["isolation forest"] = fit_forest(selection.x, random_state=asked.seed % 2**32).score_samples(
        selection.x
    )
    return rank_agreement(scores)


def _attributes(found: Found) -> dict[str, Any]:
    """Return how the network was made, for /network and about.json."""
    asked, selection = found.asked, found.selection
    return {
        "n": found.n,
        "where": selection.where,
        "modality": selection.modality,
        "all_detections": asked.all_detections,
        "same_source_pairs": found.same_source,
        "seed": asked.seed,
        "n_null": asked.n_null,
        "simulated": selection.simulated,
        "nodes_sha256": hashlib.sha256(selection.x.tobytes() + selection.rows.tobytes()).hexdigest(),
    }


def _write(found: Found, draft: Path, source: dict[str, Any]) -> None:
    """Write every table, about.json and network.json."""
    for name, make in tables.TABLES.items():
        if rows := make(found):
            output.write_csv(draft / f"{name}.csv", rows)
    found.files = sorted([path.name for path in draft.iterdir()] + [output.ABOUT, output.RESULT])
    about = {
        **source,
        **_attributes(found),
        "rows_of_file": found.selection.of,
        "left_out": found.selection.left_out,
        "thresholds": [{"tau": each.level.tau, "how": each.level.how} for each in found.levels],
        "interval_of_shares": f"Wilson, {LEVEL:.0%}",
        "notes": found.notes,
        "files": found.files,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": store.without_folders(store.command_line()),
        "versions": store.versions(),
    }
    output.write_json(draft / output.ABOUT, about)
    output.write_json(draft / output.RESULT, tables.result(found))
