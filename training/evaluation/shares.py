"""How sure a share of successes among few trials is."""

import numpy as np

from .tables import LEVELS, Interval


def share_interval(successes: int, n: int) -> Interval:
    """Return successes / n with its 68 % and 95 % intervals.

    Quantiles of the beta distribution of Jeffreys' prior; with no success, or no failure, the interval begins
    at 0, or ends at 1 (Brown, Cai & DasGupta 2001, Stat. Sci. 16, 101).

    Parameters
    ----------
    successes, n : int
        Successes among `n` independent trials, n at least 1.

    Raises
    ------
    ValueError
        No trials, or more successes than trials.
    """
    if not 0 <= successes <= n or not n:
        raise ValueError(f"{successes} successes among {n} trials")
    from scipy.stats import beta

    found = np.asarray(beta.ppf(LEVELS, successes + 0.5, n - successes + 0.5))
    ends = [
        0.0 if successes == 0 and level < 0.5 else 1.0 if successes == n and level > 0.5 else float(q)
        for level, q in zip(LEVELS, found, strict=True)
    ]
    return Interval(successes / n, *ends)


def plain_columns(name: str, interval: Interval) -> dict[str, float]:
    """Return ``name``, ``low``, ``high`` (68 %), ``low95``, ``high95`` for a table with one main figure."""
    return {
        name: interval.value,
        "low": interval.low,
        "high": interval.high,
        "low95": interval.low95,
        "high95": interval.high95,
    }
