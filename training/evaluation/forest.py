"""A random forest as the ceiling of what clusters can find: the same numbers, with the classes known."""

import numpy as np
from numpy.typing import NDArray

from ...inference.threads import thread_count
from .clusterers import check_rows

Labels = NDArray[np.int64]
TREES, LEAF, FOLDS = 200, 3, 5


def out_of_fold(
    x: NDArray[np.floating], true: Labels, source_id: NDArray[np.str_], random_state: int = 0
) -> Labels:
    """Predict each row's class by a forest that has seen no row of its source.

    200 trees, balanced class weights, at least 3 rows a leaf (rare classes are lost with fewer); 5 folds of
    whole sources with the classes spread evenly, fewer where a class has fewer sources.

    Parameters
    ----------
    x : ndarray, shape (n, d), float
        Finite rows.
    true : ndarray, shape (n,), int64
        Class of each row.
    source_id : ndarray, shape (n,), str
        Source of each row.
    random_state : int
        Seed of folds and trees.

    Returns
    -------
    ndarray, shape (n,), int64

    Raises
    ------
    ValueError
        Rows that are not finite, or a class of one source: nothing is left to predict it from.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    rows = check_rows(x)
    sources = [len(np.unique(source_id[true == each])) for each in np.unique(true)]
    if len(sources) < 2 or min(sources) < 2:
        raise ValueError(f"sources of each class: {sources}; a forest needs two classes of two sources each")
    predicted = np.full(len(rows), -1, np.int64)
    folds = StratifiedGroupKFold(min(FOLDS, *sources), shuffle=True, random_state=random_state)
    for fit, test in folds.split(rows, true, source_id):
        forest = RandomForestClassifier(
            TREES,
            min_samples_leaf=LEAF,
            class_weight="balanced",
            random_state=random_state,
            n_jobs=thread_count(),
        )
        predicted[test] = forest.fit(rows[fit], true[fit]).predict(rows[test])
    return predicted
