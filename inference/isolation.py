"""The isolation forest: fitted by scikit-learn, kept as plain arrays, scored by a compiled kernel."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .similarity import finite_rows
from .threads import numba_threads

# filled up to their depth trees take 2^depth leaves; those of 256 rows are 8 levels deep
DEEPEST = 16


@dataclass(frozen=True)
class Forest:
    """Flattened trees; every node is one place in the arrays.

    Parameters
    ----------
    feature : ndarray, shape (m,), int32
        Column that a node splits on; -1 at a leaf.
    threshold : ndarray, shape (m,), float64
        A row goes left where its float32 value is <= this.
    left, right : ndarray, shape (m,), int32
        Nodes that follow; 0 at a leaf.
    path : ndarray, shape (m,), float64
        At a leaf its depth + c(training rows in it); 0 elsewhere.
    roots : ndarray, shape (t,), int64
        First node of each tree.
    samples : int
        Training rows of each tree.
    columns : int
        Columns of the rows.
    """

    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    path: NDArray[np.float64]
    roots: NDArray[np.int64]
    samples: int
    columns: int

    def score_samples(self, x: ArrayLike, device: str = "cpu") -> NDArray[np.float64]:
        """Return the anomaly score 2^(-mean path length / c(samples)) of each row.

        It is minus scikit-learn's ``score_samples`` (F. T. Liu, K. M. Ting & Z.-H. Zhou 2008, ICDM, 413).

        Parameters
        ----------
        x : array_like, shape (n, d)
            Finite rows, compared as float32.
        device : {"cpu", "cuda"}
            Where to run; the scores are the same.

        Returns
        -------
        score : ndarray, shape (n,), float64
            Between 0 and 1, larger is stranger; 0.5 where each tree saw one row.

        Raises
        ------
        ValueError
            A row is not finite, or there is another number of columns.
        """
        rows = finite_rows(x)
        if rows.shape[1] != self.columns:
            raise ValueError(f"x has {rows.shape[1]} columns, the forest was fitted to {self.columns}")
        total = self._path_lengths(rows, device)
        usual = float(_mean_path(np.array([self.samples]))[0])
        if usual == 0:
            return np.full(len(rows), 0.5)
        score: NDArray[np.float64] = 2.0 ** -(total / (len(self.roots) * usual))
        return score

    def _path_lengths(self, rows: NDArray[np.float32], device: str) -> NDArray[np.float64]:
        if device == "cuda":
            from . import gpu

            return gpu.path_lengths(rows, *self.levels)
        from .kernels.forest import path_lengths

        with numba_threads():
            total: NDArray[np.float64] = path_lengths(rows, *self.levels)
        return total

    @cached_property
    def levels(self) -> tuple[NDArray[np.uint32], NDArray[np.float32], NDArray[np.float64]]:
        """The trees filled up to the depth of the deepest, level after level; made once.

        A float32 value is <= a float64 threshold where it is <= that threshold rounded down to float32.

        Returns
        -------
        feature : ndarray, shape (t, m - 1), uint32
            Column of each node; below a leaf 0.
        threshold : ndarray, shape (t, m - 1), float32
            Below a leaf infinite: every row goes left.
        path : ndarray, shape (t, m), float64
            Path length at each place of the last level.
        """
        rounded = self.threshold.astype(np.float32)
        above = rounded.astype(np.float64) > self.threshold
        rounded[above] = np.nextafter(rounded[above], np.float32(-np.inf))
        node, features, thresholds = self.roots[:, None], [], []
        while not (leaf := self.feature[node] < 0).all():
            features.append(np.where(leaf, 0, self.feature[node]).astype(np.uint32))
            thresholds.append(np.where(leaf, np.float32(np.inf), rounded[node]))
            children = [np.where(leaf, node, child[node]) for child in (self.left, self.right)]
            node = np.stack(children, axis=-1).reshape(len(node), -1)
        none = len(self.roots), 0
        return (
            np.concatenate([np.empty(none, np.uint32), *features], axis=1),
            np.concatenate([np.empty(none, np.float32), *thresholds], axis=1),
            self.path[node],
        )

    def to_arrays(self) -> dict[str, Any]:
        """Return every field by name, for :func:`numpy.savez`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> Self:
        """Return the forest that :meth:`to_arrays` gave; other entries are ignored.

        Raises
        ------
        ValueError
            An array is missing or of another type or length, or the nodes are no trees.
        """
        types = {"feature": "i4", "threshold": "f8", "left": "i4", "right": "i4", "path": "f8", "roots": "i8"}
        found: dict[str, Any] = {}
        for name, dtype in types.items():
            array = np.asarray(arrays[name]) if name in arrays else np.zeros(0)
            if array.dtype != np.dtype(dtype) or array.ndim != 1 or not array.size:
                raise ValueError(f"trees: {name!r} is missing or not a list of {np.dtype(dtype)}")
            found[name] = np.ascontiguousarray(array)
        for name in ("samples", "columns"):
            found[name] = int(arrays.get(name, 0))
        forest = cls(**found)
        forest._check()
        return forest

    def _check(self) -> None:
        """Refuse nodes that a walk would leave the arrays by, or never leave."""
        node, inner = np.arange(self.feature.size), self.feature >= 0
        sizes = {array.size for array in (self.feature, self.threshold, self.left, self.right, self.path)}
        good = (
            len(sizes) == 1
            and self.samples >= 1
            and bool(np.isfinite(self.path).all())
            and bool((self.feature < self.columns).all())
            and all(
                bool((child[inner] > node[inner]).all() and (child[inner] < node.size).all())
                for child in (self.left, self.right)
            )
            and bool(((self.roots >= 0) & (self.roots < node.size)).all())
        )
        if not good:
            raise ValueError("trees: the nodes do not fit together")
        node, deep = np.unique(self.roots), 0
        while node.size:
            inner_nodes = node[inner[node]]
            node = np.unique(np.concatenate([self.left[inner_nodes], self.right[inner_nodes]]))
            deep += 1
        if deep > DEEPEST + 1:
            raise ValueError(f"trees: {deep - 1} levels deep, at most {DEEPEST} are scored")


def fit_forest(x: ArrayLike, n_trees: int = 200, random_state: int = 0) -> Forest:
    """Fit an isolation forest with scikit-learn (256 rows a tree) and flatten it.

    Parameters
    ----------
    x : array_like, shape (n, d)
        Finite rows, at least one.
    n_trees : int
        Trees.
    random_state : int
        Seed.

    Returns
    -------
    Forest

    Raises
    ------
    ValueError
        A row is not finite, there is none, or `n_trees` is below 1.
    """
    rows = finite_rows(x)
    if not rows.size:
        raise ValueError(
            f"x has shape {rows.shape}: an isolation forest needs at least one row and one column"
        )
    if n_trees < 1:
        raise ValueError(f"n_trees={n_trees}: give at least 1")
    from sklearn.ensemble import IsolationForest

    return flatten(IsolationForest(n_estimators=n_trees, random_state=random_state).fit(rows))


def flatten(model: Any) -> Forest:
    """Flatten a fitted ``sklearn.ensemble.IsolationForest`` that uses every column in every tree."""
    parts: dict[str, list[NDArray[Any]]] = {
        name: [] for name in ("feature", "threshold", "left", "right", "path")
    }
    roots, first = [], 0
    for estimator in model.estimators_:
        tree = estimator.tree_
        leaf = tree.children_left < 0
        parts["feature"].append(np.where(leaf, -1, tree.feature))
        parts["threshold"].append(np.where(leaf, 0.0, tree.threshold))
        parts["left"].append(np.where(leaf, 0, tree.children_left + first))
        parts["right"].append(np.where(leaf, 0, tree.children_right + first))
        depth = _depths(tree.children_left, tree.children_right)
        parts["path"].append(np.where(leaf, depth + _mean_path(tree.n_node_samples), 0.0))
        roots.append(first)
        first += tree.node_count
    return Forest(
        feature=np.concatenate(parts["feature"]).astype(np.int32),
        threshold=np.concatenate(parts["threshold"]).astype(np.float64),
        left=np.concatenate(parts["left"]).astype(np.int32),
        right=np.concatenate(parts["right"]).astype(np.int32),
        path=np.concatenate(parts["path"]).astype(np.float64),
        roots=np.asarray(roots, np.int64),
        samples=int(model.max_samples_),
        columns=int(model.n_features_in_),
    )


def _depths(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the depth of each node, 0 at the root; scikit-learn numbers children after their parent."""
    depth = np.zeros(left.size)
    for node in range(left.size):
        if left[node] >= 0:
            depth[left[node]] = depth[right[node]] = depth[node] + 1
    return depth


def _mean_path(n: NDArray[Any]) -> NDArray[np.float64]:
    """Mean path length c(n) of an unsuccessful search in a binary tree of n rows (Liu et al. 2008, eq. 1)."""
    rows = np.asarray(n, np.float64)
    safe = np.maximum(rows, 3.0)
    found = 2.0 * (np.log(safe - 1.0) + np.euler_gamma) - 2.0 * (safe - 1.0) / safe
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, found))
