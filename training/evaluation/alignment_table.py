"""What ``evaluate alignment`` prints: recalls, spreads of hardness and cosines as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...inference.cli.layout import table as layout
from .narrowing import NEIGHBOURS


def table(rows: Sequence[Mapping[str, Any]], others: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Lay out what :func:`.alignment.run` returned, for people."""
    head = ["direction", "method", "@1 % (68 %)", "@5 %", "@10 %", "median rank", "class oracle @1 %", "n"]
    lines = [
        [
            row["direction"],
            row["method"],
            f"{row['recall_1pct']:.3f} ({row['recall_1pct_low']:.3f} - {row['recall_1pct_high']:.3f})",
            f"{row['recall_5pct']:.3f} ({row['recall_5pct_low']:.3f} - {row['recall_5pct_high']:.3f})",
            f"{row['recall_10pct']:.3f}",
            f"{row['median_rank']:.0f}",
            f"{row['class_oracle_1pct']:.3f}",
            row["n"],
        ]
        for row in rows
    ]
    first = rows[0]
    title = f"Recall, {first['data']}; by chance @1 % is {first['null_recall_1pct']:.3f}"
    blocks = [f"{title}\n{layout(head, lines)}"]
    texts = {
        "alignment-spread": _spread_text,
        "alignment-cosines": _cosine_text,
        "alignment-words": _words_text,
    }
    blocks += [text(others[name]) for name, text in texts.items() if others[name]]
    return "\n\n".join(blocks)


def _spread_text(spreads: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        [
            row["modality"],
            row["variable"],
            f"{row['before']:.3f}",
            f"{row['after']:.3f}",
            f"{row['difference']:+.4f} ({row['difference_low95']:+.4f} - {row['difference_high95']:+.4f})",
            row["n"],
        ]
        for row in spreads
    ]
    head = ["modality", "variable", "before", "after", "difference (95 %)", "n"]
    return f"Spread among the {NEIGHBOURS} nearest other sources\n{layout(head, lines)}"


def _cosine_text(cosines: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        [
            row["modality"],
            row["alignment"],
            *(f"{row[name]:.3f}" for name in ("within_class", "between_classes", "gap")),
            row["n"],
        ]
        for row in cosines
    ]
    head = ["modality", "alignment", "within a class", "between classes", "difference", "n"]
    return f"Mean cosine of two sources\n{layout(head, lines)}"


def _words_text(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        [
            row["words"],
            row["direction"],
            f"{row['recall_1pct']:.3f} ({row['recall_1pct_low']:.3f} - {row['recall_1pct_high']:.3f})",
            f"{row['recall_5pct']:.3f}",
            f"{row['perfect_1pct']:.3f}",
            row["n"],
        ]
        for row in rows
    ]
    head = ["true words alone", "direction", "@1 % (68 %)", "@5 %", "@1 % if the data left no doubt", "n"]
    return f"Recall of texts without errors or omissions, by what they tell\n{layout(head, lines)}"
