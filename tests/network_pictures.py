"""Made-up networks to draw, and what is written in a figure."""

import numpy as np
from chandra_embed.inference.report.network_figures import Drawn, Network
from chandra_embed.inference.report.network_layout import sample_nodes
from unit_rows import random_rows


def made_up(n=80, t=3, *, simulated=True, classes=("AGN", "YSO", ""), informative=True):
    """A network of n detections at t thresholds."""
    rng = np.random.default_rng(0)
    data = Network(
        nodes=sample_nodes(random_rows(n, 8, 1, 0.3), np.arange(n) // 2 + 1),
        classes=rng.choice(classes, n),
        ra=rng.uniform(0, 360, n),
        dec=rng.uniform(-90, 90, n),
        names=np.array([f"2CXO J{i}" for i in range(n)]),
        subject="spectrum, var_prob_b > 0.9",
        simulated=simulated,
    )
    drawn = []
    for tau in np.linspace(0.3, 0.9, t):
        degree = rng.integers(0, n, n)
        core = degree > 0.7 * n
        isolated = np.argsort(degree, kind="stable")[:5]
        drawn.append(Drawn(tau, degree, degree / max(n, 1), core, 0.2, informative, isolated))
    return data, drawn


def texts(figure):
    """Everything written in a figure."""
    found = [figure.get_suptitle()]
    for axes in figure.axes:
        found += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
        found += [text.get_text() for text in axes.texts]
    for legend in figure.legends:
        found += [text.get_text() for text in legend.get_texts()]
    return [text for text in found if text]
