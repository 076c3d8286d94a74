"""How well an aligned space brings spectra, events and words of one source together, and at what price.

Retrieval asks every test source's own partner among all of them, in both directions, beside its controls
(:mod:`.alignment_recall`), and true words theirs (:mod:`.alignment_words`). Then what alignment does to
neighbourhoods (:mod:`.alignment_neighbours`).
"""

from pathlib import Path
from typing import Any

import numpy as np

from ...inference.errors import ChandraEmbedError
from .alignment_neighbours import neighbourhoods
from .alignment_recall import LEAST, readable, recalls, recalls_by_counts
from .alignment_words import word_rows
from .pair_sample import PairSample
from .tables import REPLICATES, sample_facts, save_figure, write_result


def run(
    pairs: PairSample, folder: Path, *, seed: int = 0
) -> tuple[list[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Measure retrieval in both directions and what alignment does to neighbourhoods.

    Parameters
    ----------
    pairs : PairSample
        Rows of the test part count, one detection and one text a source.
    folder : Path
        Existing folder. Tables (CSV, JSON): ``alignment``, ``alignment-differences``, ``alignment-counts``,
        ``alignment-cosines``, ``alignment-spread``, ``alignment-words`` (without truth empty). Figures (PNG,
        PDF): ``alignment``, ``alignment-neighbours``.
    seed : int
        Of the detections chosen and of the shuffled pairs.

    Returns
    -------
    rows : list of dict
        Of ``alignment``: direction, method (``aligned``; then as controls ``without class words``,
        ``bag of words``, ``shuffled``), recall_1pct, recall_5pct, recall_10pct and median_rank with 68 % and
        95 % intervals over sources, n (sources), null_recall_1pct, class_oracle_1pct, class_oracle_5pct,
        class_oracle_10pct, data.
    others : dict of str to list of dict
        Rows of the other tables, by name.

    Raises
    ------
    ChandraEmbedError
        Fewer than 100 test sources with a text.
    """
    test = readable(pairs)
    sources = len(np.unique(test.source_id))
    if sources < LEAST:
        names = ", ".join(file["name"] for file in pairs.spectra.files)
        raise ChandraEmbedError(
            f"{names}: {sources} test sources have a text that the model can read; give at least {LEAST}, "
            "whose sources the model has not seen"
        )
    rows, differences = recalls(test, seed)
    cosines, spreads = neighbourhoods(pairs, seed)
    others = {
        "alignment-differences": differences,
        "alignment-counts": recalls_by_counts(test, seed),
        "alignment-cosines": cosines,
        "alignment-spread": spreads,
        "alignment-words": word_rows(test, pairs, seed),
    }
    meta = _meta(pairs, seed)
    from .alignment_figures import draw_narrowing, draw_recalls

    save_figure(folder, "alignment", draw_recalls(rows, pairs.data))
    if cosines and spreads:
        save_figure(folder, "alignment-neighbours", draw_narrowing(cosines, spreads, pairs.data))
    for name, each in {**others, "alignment": rows}.items():
        write_result(folder, name, each, meta)
    return rows, others


def _meta(pairs: PairSample, seed: int) -> dict[str, Any]:
    return {
        **sample_facts(pairs.spectra),
        "data": pairs.data,
        "texts": pairs.facts,
        "seed": seed,
        "replicates": REPLICATES,
        "interval": "bootstrap over sources, percentiles: low and high 68 %, low95 and high95 95 %",
        "recall": "share of queries whose own partner is among the first 1, 5 or 10 % of n; ties averaged",
        "before": "latents or text vectors less the mean of the training rows, at unit length",
    }
