"""What could be recovered at best: a classifier that is shown rare sources of the very kinds it looks for.

No search for anomalies has that help. Where even this one fails, the numbers it is given do not tell the rare
from the normal at these counts, and no score of strangeness made of them can.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FOLDS = 4
SHOWN_NORMALS = 8000  # normal rows that each fold learns from; more change little


def shown_scores(x: NDArray[Any], net_counts: Array, kind: NDArray[np.str_], seed: int = 0) -> Array:
    """Return how probably each row is rare, by a classifier that has not been shown this row.

    Parameters
    ----------
    x : ndarray, shape (n, d)
        What a row is judged by; NaN where not known. Its net counts are known beside.
    net_counts : ndarray, shape (n,), float64
        Net counts.
    kind : ndarray, shape (n,), str
        Kind of a rare row, empty for a normal one.
    seed : int
        Of the parts and of the normal rows shown.

    Returns
    -------
    ndarray, shape (n,), float64
        Gradient boosting of 80 trees, fitted to three quarters of each kind and of the normal rows, or to
        8,000 of those; larger is more probable.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = np.column_stack([x, np.log10(np.maximum(net_counts, 1.0))]).astype(np.float64)
    rng = np.random.default_rng([seed, 707])
    fold = np.empty(len(rows), np.intp)
    for each in np.unique(kind):
        of_kind = rng.permutation(np.flatnonzero(kind == each))
        fold[of_kind] = np.arange(len(of_kind)) % FOLDS
    found = np.empty(len(rows))
    for part in range(FOLDS):
        shown = np.flatnonzero((fold != part) & (kind != ""))
        normal = rng.permutation(np.flatnonzero((fold != part) & (kind == "")))[:SHOWN_NORMALS]
        learn = np.concatenate([normal, shown])
        model = HistGradientBoostingClassifier(
            max_iter=80,
            learning_rate=0.08,
            max_leaf_nodes=15,
            min_samples_leaf=5,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=0,
        )
        model.fit(rows[learn], kind[learn] != "")
        of_part = fold == part
        found[of_part] = model.decision_function(rows[of_part])
    return found
