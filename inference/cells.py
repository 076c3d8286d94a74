"""Cells of rows about common centres, whose angles decide most pairs of a clustered catalog at once.

Rows are put to the nearest of some centres (spherical k-means on a sample) and, within a cluster, sorted
by the angle to the centre and cut into cells. For a row at the angle theta from a centre, and a cell whose
rows lie within alpha of that centre, every angle of a pair lies between theta - alpha and theta + alpha
(the triangle inequality on the sphere): where both are on the same side of each threshold, nothing has to
be computed. Centres only steer what is computed, no result depends on them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
CLUSTER, CELL = 512, 256
# a sample of so many rows a centre finds the centres, in so many rounds
SAMPLE, ROUNDS = 24, 3
SEED = 0
# with fewer rows, or where more of the pairs have to be computed all the same, cells do not pay
FEWEST_ROWS, MOST_UNDECIDED = 32768, 0.8
# the same for nearest neighbours, where tiles make use of each pair twice and cells do not
FEWEST_TO_SEARCH, MOST_TO_SEARCH = 12288, 0.4
# where the nearest of some thousand rows is farther for half of the rows, no cells are worth a try
FEW, LEAST_NEAREST = 256, 0.7
# a rounding bound beyond this comes of so many columns that angles decide nothing
MOST_BAND = 1e-2
# rows of unit length to 1e-5: what that can take off or add to a cosine, rounding apart
LENGTH = 3e-5
BLOCK = 4096


@dataclass(frozen=True)
class Cells:
    """Rows by cluster and by the angle to its centre.

    Attributes
    ----------
    order : ndarray, shape (n,), int64
        Rows of the catalog in the order of cells.
    centre : ndarray, shape (k, d), float32
        Unit rows.
    first_cell : ndarray, shape (k + 1,), int64
        First cell of each cluster.
    first_row : ndarray, shape (cells + 1,), int64
        First row, in that order, of each cell.
    angle : ndarray, shape (cells,), float64
        Largest angle to the centre in each cell, rad, rounding included.
    margin : float
        What a computed cosine can be off by.
    """

    order: NDArray[np.int64]
    centre: Floats
    first_cell: NDArray[np.int64]
    first_row: NDArray[np.int64]
    angle: NDArray[np.float64]
    margin: float

    @classmethod
    def about(cls, x: Floats, centre: Floats, band: float, most: int = CELL) -> "Cells":
        """Put rows into cells about given centres.

        Parameters
        ----------
        x : ndarray, shape (n, d), float32
            Unit rows to 1e-5, n >= 1.
        centre : ndarray, shape (k, d), float32
            Unit rows to 1e-6.
        band : float
            Bound of the rounding error of a float32 dot product of two of them.
        most : int
            Rows of a cell at most.
        """
        margin = LENGTH + band
        label, cosine = _nearest(x, centre)
        order = np.lexsort((-cosine, label))
        size = np.bincount(label, minlength=len(centre))
        pieces = -(-size // most)
        first_cell = np.concatenate([[0], np.cumsum(pieces)]).astype(np.int64)
        begin = np.repeat(np.cumsum(size) - size, pieces)
        part = np.arange(first_cell[-1]) - np.repeat(first_cell[:-1], pieces)
        first_row = begin + part * np.repeat(size, pieces) // np.repeat(pieces, pieces)
        least = cosine[order][np.append(first_row[1:], len(x)) - 1] - margin
        first_row = np.append(first_row, len(x)).astype(np.int64)
        angle = np.arccos(np.clip(least.astype(np.float64), -1.0, 1.0))
        return cls(order.astype(np.int64), centre, first_cell, first_row, angle, margin)

    def limits(self, tau: NDArray[np.float64]) -> tuple[Floats, Floats]:
        """Return the cosines to a centre that decide a row against each cell.

        Parameters
        ----------
        tau : ndarray, shape (t,), float64
            Thresholds.

        Returns
        -------
        miss, reach : ndarray, shape (cells, t), float32
            Below `miss` no pair of the row with the cell reaches the threshold; from `reach` on all do.
        """
        never, always, off = 9.0, -9.0, self.margin  # the first two beyond any cosine
        outer = _angle(tau + off) - self.angle[:, None]
        inner = _angle(tau - off) + self.angle[:, None]
        reach = np.where(outer < 0, never, np.cos(np.clip(outer, 0, np.pi)) + off)
        reach = np.where(tau + off <= -1, always, np.where(tau + off > 1, never, reach))
        miss = np.where(inner >= np.pi, always, np.cos(np.clip(inner, 0, np.pi)) - off)
        miss = np.where(tau - off > 1, never, np.where(tau - off <= -1, always, miss))
        return miss.astype(np.float32), reach.astype(np.float32)  # the margin holds this rounding too

    def undecided(self, x: Floats, tau: NDArray[np.float64], rows: int = 256) -> float:
        """Estimate, from some rows, the share of pairs that no cell decides.

        Parameters
        ----------
        x : ndarray, shape (n, d), float32
            The rows that the cells are of.
        tau : ndarray, shape (t,), float64
            Rising thresholds.
        rows : int
            How many rows to look at.
        """
        sample = x[np.random.default_rng(SEED).choice(len(x), min(rows, len(x)), replace=False)]
        clusters = np.repeat(np.arange(len(self.centre)), np.diff(self.first_cell))
        s = (sample @ self.centre.T)[:, clusters][..., None]
        miss, reach = self.limits(tau)
        decided = (s >= miss).sum(axis=-1) == (s >= reach).sum(axis=-1)
        return float(1.0 - (decided @ np.diff(self.first_row)).mean() / len(x))

    def to_search(self, sample: Floats, limit: Floats) -> float:
        """Return the share of pairs of some rows that angles cannot put below limits, shape (rows,)."""
        clusters = np.repeat(np.arange(len(self.centre)), np.diff(self.first_cell))
        theta, beta = _angle(sample @ self.centre.T)[:, clusters], _angle(limit)
        return float(
            ((theta <= self.angle + beta[:, None]) @ np.diff(self.first_row)).mean() / len(self.order)
        )


def _angle(cosine: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    return np.asarray(np.arccos(np.clip(cosine, -1.0, 1.0)), np.float64)


def find_cells(x: Floats, tau: NDArray[np.float64], band: float) -> Cells | None:
    """Return cells of rows where they decide enough of the pairs to pay.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows to 1e-5.
    tau : ndarray, shape (t,), float64
        Rising thresholds.
    band : float
        Bound of the rounding error of a float32 dot product of two rows.
    """
    if len(x) < FEWEST_ROWS or not band < MOST_BAND:
        return None
    few, similarity = _sample(x)
    if np.median(similarity.max(axis=0)) < LEAST_NEAREST:
        return None
    centre = find_centres(x, len(x) // CLUSTER)
    # as many cells of fewer rows are narrower: what is undecided there is so the more with all rows
    most = max(1, CELL * BLOCK // len(x))
    if Cells.about(few, centre, band, most).undecided(few, tau) > MOST_UNDECIDED:
        return None
    cells = Cells.about(x, centre, band)
    return cells if cells.undecided(x, tau) < MOST_UNDECIDED else None


def find_near_cells(x: Floats, k: int, band: float) -> Cells | None:
    """Return cells of rows where they spare the search for `k` neighbours enough of the pairs to pay.

    Parameters
    ----------
    x : ndarray, shape (n, d), float32
        Unit rows to 1e-5.
    k : int
        Neighbours of each row, 1 to n - 1.
    band : float
        Bound of the rounding error of a float32 dot product of two rows.
    """
    n = len(x)
    if n < FEWEST_TO_SEARCH or not band < MOST_BAND:
        return None
    few, similarity = _sample(x)
    if np.median(similarity.max(axis=0)) < LEAST_NEAREST:
        return None
    # among some rows so many are as near as the k nearest are among all, or one more
    place = min(1 + k * len(similarity) // n, len(similarity))
    limit = np.partition(similarity, -place, axis=0)[-place]
    cells = Cells.about(x, find_centres(x, n // CLUSTER), band)
    return cells if cells.to_search(few[:FEW], limit) < MOST_TO_SEARCH else None


def _sample(x: Floats) -> tuple[Floats, Floats]:
    """Return some rows, and the similarities of all but the first :data:`FEW` with those."""
    from threadpoolctl import threadpool_limits

    few = x[np.random.default_rng(SEED).choice(len(x), BLOCK, replace=False)]
    # a second thread gains nothing here, and waits for more, spinning, while the search begins
    with threadpool_limits(1, "blas"):
        return few, few[FEW:] @ few[:FEW].T


def find_centres(x: Floats, k: int) -> Floats:
    """Return `k` centres of unit rows, shape (k, d), float32, by spherical k-means on a sample.

    Dhillon and Modha 2001, Machine Learning 42, 143; centres that lose their rows stay where they are.
    """
    rng = np.random.default_rng(SEED)
    sample = x[np.sort(rng.choice(len(x), min(len(x), SAMPLE * k), replace=False))]
    centre = sample[rng.choice(len(sample), k, replace=False)].astype(np.float32)
    for _ in range(ROUNDS):
        label, _ = _nearest(sample, centre)
        order = np.argsort(label, kind="stable")
        there, begin = np.unique(label[order], return_index=True)
        total = np.add.reduceat(sample[order], begin, axis=0)
        length = np.linalg.norm(total, axis=1)
        good = length > 1e-3
        centre[there[good]] = total[good] / length[good, None]
    return centre


def _nearest(x: Floats, centre: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the nearest centre of each row and the cosine with it."""
    label, cosine = np.empty(len(x), np.int64), np.empty(len(x), np.float32)
    for a in range(0, len(x), BLOCK):
        product = x[a : a + BLOCK] @ centre.T
        label[a : a + BLOCK] = product.argmax(axis=1)
        cosine[a : a + BLOCK] = product.max(axis=1)
    return label, cosine
