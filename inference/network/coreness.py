"""Coreness: the leading eigenvector of the similarity graph's weights, by power iteration over tiles."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..similarity import Floats, checked_thresholds, unit_rows
from .order import moved, near_together
from .tile_walk import Pairs, limits, walk

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Coreness:
    """Coreness, shape (n,), float64, from 0 to 1; the residual of the eigenvector; the passes it took."""

    value: Vector
    residual: float
    passes: int


def coreness(
    x: ArrayLike,
    tau: float,
    *,
    excluded: Pairs | None = None,
    tol: float = 1e-6,
    max_passes: int = 10,
    on_pairs: Callable[[int], None] | None = None,
) -> Coreness:
    """Give every row its place between core (1) and periphery (0).

    The coreness c is the leading eigenvector of the weights A (the similarity of two neighbours, 0
    elsewhere and on the diagonal). It minimises sum_ij (a_ij - c_i c_j)^2, the continuous model of
    S. P. Borgatti and M. G. Everett (Social Networks 21, 375, 2000) in least squares with the diagonal
    counted; MINRES (J. P. Boyd et al., Social Networks 32, 125, 2010) leaves the diagonal out. Where
    components share the leading eigenvalue, c is what power iteration from the strengths converges to.

    Power iteration, A applied tile by tile once a pass; each pass takes the best vector of all
    iterates so far (Rayleigh-Ritz, that is Lanczos iteration), which converges in far fewer passes than
    the last iterate and does not oscillate on bipartite graphs.
    A graph of several components has its core in the one of the largest eigenvalue; rows of
    the others tend to 0.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Unit rows; rounded to float32 where they are not.
    tau : float
        Two rows are neighbours where the float64 dot product of their float32 values, summed in index
        order, reaches this. A negative similarity, possible where `tau` is negative, weighs 0.
    excluded : tuple of two ndarray, shape (m,), int64, optional
        Pairs of rows, i and j, that are no neighbours whatever their similarity.
    tol : float
        Stop when the residual is as small.
    max_passes : int
        Passes over all tiles, at least 2; the first gives the strengths.
    on_pairs : callable, optional
        Called with the number of pairs multiplied after each tile, by one thread at a time.

    Returns
    -------
    Coreness
        `value`: the largest is 1; all 0 where no pair has a weight. `residual`: |A c - lambda c| /
        (lambda |c|) before elements that rounding or too few passes left negative are set to 0; it is
        above `tol` where `max_passes` did not suffice. `passes`: how many were made. None depends on the
        number of threads.

    Raises
    ------
    ValueError
        A row of `x` is not finite or not of unit length to 1e-5; `tau` is not finite; `tol` is negative or
        NaN; `max_passes` is less than 2; `excluded` names a row that there is not.

    Examples
    --------
    >>> found = coreness([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], 0.5)
    >>> found.value.round(3).tolist()
    [0.8, 1.0, 0.6]
    """
    given, threshold = unit_rows(x), checked_thresholds([tau])
    if not tol >= 0 or max_passes < 2:
        raise ValueError(f"tol={tol}, max_passes={max_passes}: give tol >= 0 and at least 2 passes")

    order = near_together(given)
    rows, excluded = given[order], moved(excluded, order)

    def times(vector: Vector) -> Vector:
        return _multiply(rows, threshold, vector, excluded, on_pairs)

    n = len(rows)
    strength = times(np.full(n, 1 / math.sqrt(max(n, 1))))
    if not strength.any():
        return Coreness(np.zeros(n), 0.0, 1)
    basis, images = [strength / _norm(strength)], list[Vector]()
    while True:
        images.append(times(basis[-1]))
        vector, residual = _best(basis, images)
        following = _orthogonal(images[-1], basis)
        if residual <= tol or following is None or len(images) + 1 >= max_passes:
            value = np.empty(n)
            value[order] = np.maximum(vector, 0.0)
            return Coreness(value / value.max(), residual, len(images) + 1)
        basis.append(following)


def _multiply(
    x: Floats, tau: Vector, vector: Vector, excluded: Pairs | None, on_pairs: Callable[[int], None] | None
) -> Vector:
    """Multiply the weights with a vector of length 1 in one pass over the tiles."""
    from ..kernels.coreness import multiply_tile

    n = len(x)
    low, high = (side[0] for side in limits(tau, x.shape[1]))
    # of unit rows and a unit vector no sum over any set of pairs exceeds sqrt(n): far below 2^63
    scale = 2.0 ** (60 - math.ceil(math.log2(n + 1) / 2))

    def visit(product: NDArray[np.int64], tile: Floats, a: int, b: int) -> None:
        multiply_tile(tile, x, a, b, tau[0], low, high, vector, scale, product)

    parts = walk(x, lambda: np.zeros(n, np.int64), visit, excluded=excluded, on_pairs=on_pairs)
    total: NDArray[np.int64] = np.sum(parts, axis=0, dtype=np.int64)
    return total / scale


def _best(basis: list[Vector], images: list[Vector]) -> tuple[Vector, float]:
    """Return the unit vector in the span of `basis` nearest to the leading eigenvector, and its residual."""
    small = np.array([[_dot(a, b) for b in images] for a in basis])
    values, vectors = np.linalg.eigh((small + small.T) / 2)
    vector, image = np.zeros_like(basis[0]), np.zeros_like(basis[0])
    for share, a, b in zip(vectors[:, -1], basis, images, strict=True):
        vector += share * a
        image += share * b
    if np.sum(vector) < 0:  # eigh leaves the sign open
        vector, image = -vector, -image
    return vector, _norm(image - values[-1] * vector) / float(values[-1])


def _orthogonal(vector: Vector, basis: list[Vector]) -> Vector | None:
    """Return the unit vector along what `basis` leaves of `vector`; None where that is nothing."""
    rest, length = vector.copy(), _norm(vector)
    for _ in range(2):  # once is not enough in floating point
        for one in basis:
            rest -= _dot(one, rest) * one
    left = _norm(rest)
    return rest / left if left > 1e-12 * length else None


def _dot(a: Vector, b: Vector) -> float:
    """Dot product whose bits do not depend on the threads BLAS may use."""
    return float(np.sum(a * b))


def _norm(a: Vector) -> float:
    """Length of a vector."""
    return math.sqrt(_dot(a, a))
