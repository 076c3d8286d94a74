"""What ``evaluate`` found, taken into a bundle: its manifest and card show the numbers of those tables."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..inference.errors import ChandraEmbedError

# command -> columns shown in the card, and what the table is of
SHOWN = {
    "reconstruction": (
        ("model", "data", "mae", "mae_low", "mae_high", "truth_mae"),
        "Mean absolute error of normalised spectra of sources not seen, and against the noise-free truth.",
    ),
    "clusters": (
        ("latents", "classes", "method", "balanced_accuracy", "low", "high", "chance", "ceiling"),
        "Clusters as classes: balanced accuracy of the method chosen on the training sources, on sources not "
        "seen. `ceiling`: a random forest on the same numbers.",
    ),
    "latents": (
        ("sources", "quantity", "expression", "complexity", "r2", "r2_linear", "r2_null"),
        "Physical quantities of AGN and of all classes as expressions of latents, R^2 on sources held out.",
    ),
    "nuisance": (
        ("recipe", "model", "quantity", "r2", "r2_linear", "r2_null"),
        "What the embedding tells of the observation instead of the source: R^2 on sources held out.",
    ),
    "alignment": (
        (
            *("direction", "method", "recall_1pct", "recall_1pct_low", "recall_1pct_high", "recall_5pct"),
            *("recall_10pct", "median_rank", "n", "null_recall_1pct", "class_oracle_1pct", "data"),
        ),
        "How often the right partner is among the first 1, 5, 10 % of n test sources; `class_oracle_1pct`: "
        "what knowing the class alone gives.",
    ),
    "alignment-spread": (
        (
            "modality",
            "variable",
            "before",
            "after",
            "difference",
            "difference_low95",
            "difference_high95",
            "n",
        ),
        "Spread of hardness among the 10 nearest other sources before and after alignment.",
    ),
    **{
        f"regression-{data}": (
            ("data_modality", "variable", "text", "data", "both", "absolute", "percent", "low", "high"),
            "Mean absolute error of physical variables from text, from data and from both, and by how much "
            "both are better than the better one (95 % interval).",
        )
        for data in ("events", "spectrum", "lightcurve")
    },
    "anomalies": (
        ("kind", "counts", "space", "method", "n", "recovered", "low", "high", "hardness_recovered"),
        "Planted rare sources, simulated: the share among the strangest 2 % of all rows (68 % interval), and "
        "by the same score of the three hardness ratios.",
    ),
    "anomalies-pvalues": (
        ("counts", "n", "n_reference", "ks_p", "ks_p_uniform", "below_5pct"),
        "Conformal p-values of normal rows held out, against those of the reference's own (`ks_p`).",
    ),
}
# of the many rows of a table those shown in the card
KEPT = {
    "anomalies": {
        "counts": ("all", ">= 100"),
        "method": ("combination", "frozen reference"),
        "ranked": ("all rows",),
    }
}


def read_evaluation(folder: Path, encoder_sha256: str) -> dict[str, Any]:
    """Read the tables of a folder that ``evaluate`` wrote.

    Parameters
    ----------
    folder : Path
        Holds ``reconstruction.json`` and the like; those that are missing are left out.
    encoder_sha256 : str
        Of the encoder they must have been measured with.

    Returns
    -------
    dict of str to dict
        Command -> ``files`` (what it was measured on), ``simulated``, ``rows``.

    Raises
    ------
    ChandraEmbedError
        No table there, one that cannot be read, or one of another model.
    """
    found = {}
    for name in SHOWN:
        path = folder / f"{name}.json"
        if not path.is_file():
            continue
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            facts = content.get("samples", [content])
            theirs = {fact["encoder_sha256"] for fact in facts}
            of_simulated, given = all(fact["simulated"] for fact in facts), list(map(dict, content["rows"]))
            definition = {key: str(content[key]) for key in ("definition",) if key in content}
        except (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError) as error:
            raise ChandraEmbedError(
                f"{path}: not a table of chandra-embed evaluate ({type(error).__name__}); run it again"
            ) from error
        if encoder_sha256 not in theirs:
            raise ChandraEmbedError(
                f"{path}: was measured with another encoder ({', '.join(sorted(theirs))}); run "
                f"chandra-embed evaluate {name.split('-')[0]} on this model again"
            )
        wanted = {"chosen": (True,), **KEPT.get(name, {})}
        rows = [row for row in given if all(row.get(k, few[0]) in few for k, few in wanted.items())]
        found[name] = {
            "simulated": of_simulated,
            "files": [file for fact in facts for file in fact.get("files", ())],
            "rows": [{key: row[key] for key in SHOWN[name][0] if key in row} for row in rows],
            **definition,
        }
    if not found:
        raise ChandraEmbedError(f"{folder}: no table of chandra-embed evaluate ({', '.join(SHOWN)})")
    return found


def tables(evaluation: Mapping[str, Mapping[str, Any]]) -> str:
    """Return Markdown of the tables, each said to be of simulated spectra where it is."""
    parts = []
    for name, found in evaluation.items():
        kind = "SIMULATED" if found["simulated"] else "Observed"
        files = ", ".join(sorted({file["name"] for file in found["files"]}))
        real = "; the rows said to be real are of observed ones" if _any_real(found["rows"]) else ""
        about = f"{SHOWN[name][1]} {kind} spectra{f': {files}' if files else ''}{real}."
        if "definition" in found:
            about += f" Definition: {found['definition']}."
        parts.append(f"### evaluate {name.replace('-', ': ')}\n\n{about}\n\n{_table(found['rows'])}")
    return "\n\n".join(parts)


def _any_real(rows: Sequence[Mapping[str, Any]]) -> bool:
    return any(row.get("data") == "real" for row in rows)


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(_cell(row.get(column)) for column in columns) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
