"""Neighbourhoods before and after alignment: cosines of classes, and hardness among the nearest others."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .alignment_recall import readable
from .narrowing import NEIGHBOURS, centred, class_cosines, neighbour_spread
from .pair_sample import PairSample
from .retrieval import one_each
from .tables import mean_interval

Array = NDArray[np.float64]
HARDNESS = ("hard_hs", "hard_hm", "hard_ms")


def neighbourhoods(pairs: PairSample, seed: int = 0) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return cosines within and between classes, and spreads of hardness, before and after alignment.

    Parameters
    ----------
    pairs : PairSample
        One detection of every test source counts; the training rows give the mean that is taken off before.
    seed : int
        Of the detections chosen.

    Returns
    -------
    cosines : list of dict
        modality, alignment (``before`` or ``after``), within_class, between_classes and gap with intervals,
        n (sources).
    spreads : list of dict
        modality, variable, neighbours, before, after and difference (after - before) with intervals, n:
        means over sources of the standard deviation among the 10 nearest other sources.
    """
    test = readable(pairs)
    chosen = test.take(one_each(test.source_id, np.ones(len(test), bool), seed))
    return _cosines(pairs, chosen), _spreads(pairs, chosen)


def _before_and_after(pairs: PairSample, chosen: PairSample) -> Iterator[tuple[str, Array, NDArray[Any]]]:
    """Yield each modality with what it was before alignment and is after it, rows of `chosen`.

    Before: latents, or text vectors, less the mean of the training rows, at unit length.
    """
    train = pairs.part == "train"
    latents = {
        "spectrum": (pairs.spectra.latent, chosen.spectra.latent, chosen.spectra.embedding),
        "event": (pairs.event_latent, chosen.event_latent, chosen.event),
        "text": (pairs.text_vector, chosen.text_vector, chosen.text),
    }
    for name, (of_all, own, after) in latents.items():
        if not np.isfinite(after).any():
            continue
        known = np.isfinite(of_all).all(axis=1)
        yield name, centred(own, of_all[train if (train & known).any() else known]), after


def _cosines(pairs: PairSample, chosen: PairSample) -> list[dict[str, Any]]:
    """Return mean cosines within and between classes, before and after alignment."""
    rows = []
    for name, before, after in _before_and_after(pairs, chosen):
        there = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
        for stage, x in (("before", before), ("after", after)):
            found = class_cosines(x[there], chosen.kind[there])
            if found is not None:
                rows.append(
                    {
                        "modality": name,
                        "alignment": stage,
                        **found.within.columns("within_class"),
                        **found.between.columns("between_classes"),
                        **found.gap.columns("gap"),
                        "n": int(there.sum()),
                    }
                )
    return rows


def _spreads(pairs: PairSample, chosen: PairSample) -> list[dict[str, Any]]:
    """Return the spread of hardness among the 10 nearest other sources, before, after and the difference."""
    rows = []
    for name, before, after in _before_and_after(pairs, chosen):
        if name == "text":
            continue
        there = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1)
        for variable in HARDNESS:
            value = np.asarray(chosen.spectra.detection[variable], np.float64)
            known = there & np.isfinite(value)
            if known.sum() <= NEIGHBOURS:
                continue
            was = neighbour_spread(before[known], value[known])
            now = neighbour_spread(after[known], value[known])
            sources = chosen.source_id[known]
            rows.append(
                {
                    "modality": name,
                    "variable": variable,
                    "neighbours": NEIGHBOURS,
                    **mean_interval(was, sources).columns("before"),
                    **mean_interval(now, sources).columns("after"),
                    **mean_interval(now - was, sources).columns("difference"),
                    "n": int(known.sum()),
                }
            )
    return rows
