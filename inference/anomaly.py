"""Anomaly scores of embeddings, one method at a time; larger is always stranger."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .isolation import fit_forest
from .nearest import find_nearest
from .similarity import degree

if TYPE_CHECKING:
    from .reference import Reference

METHODS = ("knn", "isolation", "degree", "reconstruction")


def anomaly_scores(
    x: ArrayLike,
    method: str = "knn",
    *,
    k: int = 10,
    threshold: float = 0.9,
    n_trees: int = 200,
    random_state: int = 0,
    reference: "Reference | ArrayLike | None" = None,
) -> NDArray[np.float64]:
    """Score every row by one method; larger is stranger.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Unit rows (``"isolation"``: any finite rows). For ``"reconstruction"`` the reconstruction errors
        themselves, shape (n,): they are the scores, and are checked and returned.
    method : {"knn", "isolation", "degree", "reconstruction"}
        ``"knn"``: 1 - cosine similarity to the k-th nearest other row, not below 0.
        ``"isolation"``: 2^(-mean path length / usual path length) in an isolation forest, between 0 and 1.
        ``"degree"``: minus the number of other rows whose similarity reaches `threshold`.
    k : int
        Neighbour that ``"knn"`` measures to, at least 1.
    threshold : float
        Similarity that ``"degree"`` counts from.
    n_trees, random_state : int
        Trees and seed of ``"isolation"``.
    reference : Reference or array_like, shape (m, d), optional
        For ``"knn"`` and ``"isolation"``: score against these rows and not against `x`. The forest of a
        :class:`~chandra_embed.inference.reference.Reference` is taken as it is; to rows one is fitted.

    Returns
    -------
    scores : ndarray, shape (n,), float64

    Raises
    ------
    ValueError
        The method is unknown or takes no reference; a row is not finite or, but for ``"isolation"``, not of
        unit length to 1e-5; `k` is below 1 or larger than n - 1 (m with a reference).
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r}: give one of {', '.join(METHODS)}")
    if method in ("degree", "reconstruction") and reference is not None:
        raise ValueError(f"method {method!r} takes no reference; leave it out")
    if method == "knn":
        return _knn(x, k, reference)
    if method == "isolation":
        return _isolation(x, n_trees, random_state, reference)
    if method == "degree":
        minus: NDArray[np.int64] = -degree(x, (threshold,))[0]
        return minus.astype(np.float64)
    return checked_errors(x)


def checked_errors(errors: ArrayLike, name: str = "x") -> NDArray[np.float64]:
    """Return reconstruction errors as float64, shape (n,); raise ValueError naming a row that is none."""
    found = np.array(errors, np.float64)
    if found.ndim != 1:
        raise ValueError(f"{name} has shape {found.shape}: give one reconstruction error a row, shape (n,)")
    bad = ~(np.isfinite(found) & (found >= 0))
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(
            f"row {row} of {name} is {found[row]}: a reconstruction error is finite and not below 0"
        )
    return found


def knn_distance(
    x: ArrayLike,
    k: int,
    queries: ArrayLike | None = None,
    *,
    on_rows: Callable[[int], None] | None = None,
    device: str = "cpu",
) -> NDArray[np.float64]:
    """Return 1 - similarity to the k-th nearest row of `x`, not below 0; see :func:`anomaly_scores`."""
    if k < 1:
        raise ValueError(f"k={k}: the distance to a neighbour needs at least 1")
    _, similarity = find_nearest(x, k, queries, on_rows=on_rows, device=device)
    distance: NDArray[np.float64] = np.maximum(1.0 - similarity[:, k - 1], 0.0)
    return distance  # rows are unit to rounding: without the 0 a twin would be nearer than itself


def _rows_of(reference: "Reference | ArrayLike") -> ArrayLike:
    from .reference import Reference

    return reference.embedding if isinstance(reference, Reference) else reference


def _knn(x: ArrayLike, k: int, reference: "Reference | ArrayLike | None") -> NDArray[np.float64]:
    if reference is None:
        return knn_distance(x, k)
    return knn_distance(_rows_of(reference), k, x)


def _isolation(
    x: ArrayLike, n_trees: int, random_state: int, reference: "Reference | ArrayLike | None"
) -> NDArray[np.float64]:
    from .reference import Reference

    if isinstance(reference, Reference):
        return reference.forest.score_samples(x)
    if reference is None and not np.size(x):
        return np.zeros(0)
    return fit_forest(x if reference is None else reference, n_trees, random_state).score_samples(x)
