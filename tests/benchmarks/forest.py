"""Isolation Forest scores over the same trees, against scikit-learn and PyOD."""

from collections.abc import Callable
from typing import Any

import numpy as np
from chandra_embed.inference.isolation import flatten
from chandra_embed.inference.threads import thread_count
from timing import Section, Settings, alternate, compare, optional
from unit_rows import random_rows

TREES = 200
ROUNDS = 5


def run(settings: Settings) -> list[Section]:
    from sklearn.ensemble import IsolationForest

    n, rounds = (1500, 2) if settings.quick else (130_000, ROUNDS)
    x = random_rows(n, 64)
    model = IsolationForest(n_estimators=TREES, random_state=0).fit(x)
    forest = flatten(model)
    calls: dict[str, Callable[[], Any] | None] = {
        "chandra_embed Forest.score_samples": lambda: forest.score_samples(x),
        "scikit-learn score_samples (1 thread, its default)": lambda: -model.score_samples(x),
        f"scikit-learn score_samples, joblib {thread_count()} threads": lambda: _in_threads(model, x),
        "PyOD IForest decision_function (1 thread)": _pyod(x),
    }
    text = (
        f"{n:,} random unit vectors, d = 64; {TREES} trees of 256 rows fitted by scikit-learn, the same for "
        f"all (PyOD fits them again from the same seed); {rounds} rounds."
    )
    columns = ("contender", "seconds", "rows/s", "time / ours", "largest difference from ours")
    section = Section("Isolation Forest scores", text, columns)
    timed = alternate("forest", calls, rounds)
    ours = next(iter(timed.values())).result

    def agreement(name: str, scores: Any) -> str:
        gap = float(np.abs(scores - ours).max())
        if gap > 1e-9:
            section.faults.append(f"{section.title}: {name}: scores differ by {gap:.2g}")
        return "" if scores is ours else f"{gap:.1e}"

    compare(section, timed, n, agreement)
    return [section]


def _in_threads(model: Any, x: Any) -> Any:
    from joblib import parallel_config

    with parallel_config("threading", n_jobs=thread_count()):
        return -model.score_samples(x)


def _pyod(x: Any) -> Callable[[], Any] | None:
    module = optional("pyod.models.iforest")
    if module is None:
        return None
    detector = module.IForest(n_estimators=TREES, random_state=0).fit(x)
    return lambda: detector.decision_function(x) - detector.offset_
