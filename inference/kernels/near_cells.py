"""The k nearest of the rows of one cluster, leaving out what angles say is too far."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .cells import gather
from .neighbors import NO_LIMIT, offer_row, settle, space_to_work
from .tiles import any_reaches

Floats = NDArray[np.float32]
Places = NDArray[np.int64]


@njit(cache=True, nogil=True)
def within(
    s: Floats, start: int, cosine: Floats, sine: Floats, cell: Floats, margin: float, found: Places
) -> int:
    """List the rows that may come near enough to a row of a cell.

    A row at the angle theta from a centre, to whom the angle beta is near enough, can only find such rows
    in a cell of angle alpha where theta <= alpha + beta, that is where its cosine to the centre reaches
    cos alpha cos beta - sin alpha sin beta, or where alpha + beta >= pi.

    Parameters
    ----------
    s : ndarray, shape (p,), float32
        Cosines between the rows, which follow each other, and the centre of the cell.
    start : int
        The first of the rows.
    cosine, sine : ndarray, shape (p,), float32
        Of beta.
    cell : ndarray, shape (2,), float32
        Cosine and sine of alpha.
    margin : float
        What `s` and the bound can be off by.
    found : ndarray, shape (more than p,), int64
        Set to the rows.

    Returns
    -------
    int
        How many there are.
    """
    m, a, b, off = 0, cell[0], cell[1], np.float32(margin)
    for r in range(s.size):
        found[m] = start + r
        m += (s[r] >= a * cosine[r] - b * sine[r] - off) | (cosine[r] <= -a)
    return m


@njit(cache=True, nogil=True)
def search_cluster(
    a: int,
    x: Floats,
    order: Places,
    rows: Floats,
    centre: Floats,
    first_cell: Places,
    first_row: Places,
    cells: Floats,
    k: int,
    room: int,
    band: float,
    margin: float,
    best: NDArray[np.float64],
    index: Places,
) -> int:
    """Write the k nearest of the rows of cluster `a`, the nearest first, of equal ones the lower index.

    Parameters
    ----------
    a : int
        The cluster.
    x : ndarray, shape (n, d), float32
        All rows.
    order : ndarray, shape (n,), int64
        Rows of `x` in the order of cells.
    rows : ndarray, shape (n, d), float32
        ``x[order]``.
    centre : ndarray, shape (c, d), float32
        Centres of the clusters, unit rows.
    first_cell : ndarray, shape (c + 1,), int64
        First cell of each cluster.
    first_row : ndarray, shape (cells + 1,), int64
        First row, in that order, of each cell.
    cells : ndarray, shape (cells, 2), float32
        Cosine and sine of the largest angle to the centre in each cell.
    k : int
        Nearest to be found, 1 to n - 1.
    room : int
        Candidates that a list holds, more than k.
    band : float
        Bound of the rounding error of a float32 dot product of two rows.
    margin : float
        What a computed cosine, or a bound of one, can be off by.
    best, index : ndarray, shape (n, k), float64 and int64
        Set, for the rows of this cluster, to the similarities and rows of `x`.

    Returns
    -------
    int
        Pairs whose similarity was computed.
    """
    start, stop = first_row[first_cell[a]], first_row[first_cell[a + 1]]
    if start == stop:
        return 0
    most = 0
    for cell in range(first_row.size - 1):
        most = max(most, first_row[cell + 1] - first_row[cell])
    n, d = stop - start, x.shape[1]
    values = np.empty(most * most, np.float32)
    left, right = np.empty((most, d), np.float32), np.empty((most, d), np.float32)
    some, others = np.empty(most + 1, np.int64), np.empty(most + 1, np.int64)
    names, work = np.empty(most, np.int32), space_to_work(room, most)
    value, where = np.empty((n, room), np.float32), np.empty((n, room), np.int32)
    held, limit = np.zeros(n, np.int64), np.full(n, NO_LIMIT)
    # of the angle that is near enough, for each row; without a limit pi is
    cosine, sine = np.full(n, np.float32(-1.0)), np.zeros(n, np.float32)
    least, most_sine = np.empty(most, np.float32), np.empty(most, np.float32)
    own = rows[start:stop]
    to_centres = np.dot(centre, own.T)
    computed = 0
    # the nearest clusters first, its own before all: they raise the limits
    for b in np.argsort(-np.dot(centre, centre[a])):
        begin, end = first_row[first_cell[b]], first_row[first_cell[b + 1]]
        to_a = to_centres[a][:0]
        for i in range(first_cell[a], first_cell[a + 1]):
            p0, p1 = first_row[i] - start, first_row[i + 1] - start
            for j in range(first_cell[b], first_cell[b + 1]):
                q0, q1 = first_row[j], first_row[j + 1]
                s = to_centres[b, p0:p1]
                p = within(s, p0, cosine[p0:p1], sine[p0:p1], cells[j], margin, some)
                if p == 0:
                    continue
                if to_a.size == 0:
                    to_a = np.dot(rows[begin:end], centre[a])
                farthest = some[0]
                for r in some[:p]:
                    if cosine[r] < cosine[farthest]:
                        farthest = r
                least[:], most_sine[:] = cosine[farthest], sine[farthest]
                s, q = to_a[q0 - begin : q1 - begin], q1 - q0
                q = within(s, q0, least[:q], most_sine[:q], cells[i], margin, others)
                if q == 0:
                    continue
                for c in range(q):
                    names[c] = order[others[c]]
                one = gather(own, some[:p], left, 1)
                other = gather(rows, others[:q], right, 1)
                tile = values[: p * q].reshape((p, q))
                np.dot(one, other.T, tile)
                computed += p * q
                for r in range(p):
                    at = some[r]
                    if i == j:
                        for c in range(q):
                            if others[c] == start + at:
                                tile[r, c] = -np.inf
                    before = limit[at]
                    if not any_reaches(tile[r], before):
                        continue
                    held[at], limit[at] = offer_row(
                        tile[r], names[:q], one[r], x, k, band, value[at], where[at], work, held[at], before
                    )
                    if limit[at] != before:
                        near = min(max(np.float64(limit[at]) - margin, -1.0), 1.0)
                        cosine[at] = np.float32(near)
                        sine[at] = np.float32(np.sqrt(1.0 - np.float64(cosine[at]) ** 2))
    found, name = np.empty((n, k)), np.empty((n, k), np.int64)
    settle(own, x, value, where, held, found, name)
    for r in range(n):
        best[order[start + r]], index[order[start + r]] = found[r], name[r]
    return computed
