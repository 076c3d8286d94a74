"""How strange a score is among reference scores: quantile, conformal p-value, false discovery rate."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
COUNT_EDGES = (40.0, 100.0, 300.0, 1000.0)
LEAST_IN_BIN = 200


def midrank_quantile(reference: Array, scores: Array) -> Array:
    """Place scores among reference scores: (number below + half the number equal) / n.

    A reference score placed among its own sample counts as half below itself.

    Parameters
    ----------
    reference : ndarray, shape (n,), float64
        Finite scores, in any order.
    scores : ndarray, shape (m,), float64
        Scores to place.

    Returns
    -------
    quantile : ndarray, shape (m,), float64
        From 0 to 1; NaN where the score is NaN, or the reference is empty.
    """
    if not reference.size:
        return np.full(scores.shape, np.nan)
    ordered = np.sort(reference)
    twice = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    return np.where(np.isnan(scores), np.nan, twice / (2.0 * ordered.size))


def conformal_pvalue(reference: Array, scores: Array) -> Array:
    """Return (1 + number of reference scores >= the score) / (n + 1).

    The chance of a score so high or higher, for a row drawn like those of the reference (V. Vovk,
    A. Gammerman & G. Shafer, Algorithmic Learning in a Random World, 2005, chapter 2).

    Parameters
    ----------
    reference : ndarray, shape (n,), float64
        Finite scores of rows that no score was fitted to.
    scores : ndarray, shape (m,), float64
        Scores, larger is stranger.

    Returns
    -------
    pvalue : ndarray, shape (m,), float64
        From 1 / (n + 1) to 1; NaN where the score is NaN.
    """
    ordered = np.sort(reference)
    at_least = ordered.size - np.searchsorted(ordered, scores, "left")
    return np.where(np.isnan(scores), np.nan, (1.0 + at_least) / (ordered.size + 1.0))


def count_edges(net_counts: Array) -> Array:
    """Return those of :data:`COUNT_EDGES` that leave at least :data:`LEAST_IN_BIN` rows in every bin.

    Parameters
    ----------
    net_counts : ndarray, shape (n,), float64
        Net counts of the reference rows; NaN where unknown.

    Returns
    -------
    edges : ndarray, shape (b,), float64
        Bin i holds edges[i - 1] <= net counts < edges[i]; the outer bins are open. Empty: one bin.
    """
    known = net_counts[~np.isnan(net_counts)]
    edges: list[float] = []
    for edge in COUNT_EDGES:
        lower = edges[-1] if edges else -np.inf
        inside = np.count_nonzero((known >= lower) & (known < edge))
        if inside >= LEAST_IN_BIN and np.count_nonzero(known >= edge) >= LEAST_IN_BIN:
            edges.append(edge)
    return np.asarray(edges)


def binned_pvalue(reference: Array, reference_counts: Array, scores: Array, counts: Array) -> Array:
    """Return conformal p-values among the reference rows of like net counts.

    Faint spectra look stranger than bright ones, so that each bin of net counts is its own sample
    (Mondrian conformal prediction, Vovk et al. 2005, section 4.5).

    Parameters
    ----------
    reference, reference_counts : ndarray, shape (n,), float64
        Scores and net counts of the reference rows.
    scores, counts : ndarray, shape (m,), float64
        Scores to judge and net counts of their rows; where the counts are NaN, or no reference row's are
        known, all reference rows are used.

    Returns
    -------
    pvalue : ndarray, shape (m,), float64
        NaN where the score is NaN.
    """
    edges = count_edges(reference_counts)
    known = ~np.isnan(reference_counts)
    of_reference = np.where(known, np.digitize(reference_counts, edges), -1)
    of_row = np.where(np.isnan(counts) | ~known.any(), -1, np.digitize(counts, edges))
    pvalue = conformal_pvalue(reference, scores)
    for each in range(len(edges) + 1):
        inside = of_row == each
        pvalue[inside] = conformal_pvalue(reference[of_reference == each], scores[inside])
    return pvalue


def benjamini_hochberg(pvalue: Array) -> Array:
    """Return the least false discovery rate at which each p-value would be called a discovery.

    q_(i) = min over j >= i of p_(j) m / j, over the m finite p-values in rising order (Y. Benjamini &
    Y. Hochberg 1995, J. R. Statist. Soc. B 57, 289; with conformal p-values: S. Bates et al. 2023,
    Ann. Statist. 51, 149).

    Parameters
    ----------
    pvalue : ndarray, shape (n,), float64
        p-values; NaN does not count.

    Returns
    -------
    qvalue : ndarray, shape (n,), float64
        NaN where the p-value is.
    """
    qvalue = np.full(pvalue.shape, np.nan)
    finite = np.flatnonzero(np.isfinite(pvalue))
    order = finite[np.argsort(pvalue[finite], kind="stable")]
    scaled = pvalue[order] * order.size / np.arange(1, order.size + 1)
    qvalue[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return qvalue
