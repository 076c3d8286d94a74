"""What the Gregory-Loredo test calls variable: steady sources, flares, and gaps in good time.

Simulated sources have spectra, backgrounds, exposures and off-axis angles of the generic population, and the
net counts of the bin. Light curves of the Chandra Source Catalog stand beside, with what their headers say.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.catalog.lightcurves import LightCurve, read_lightcurve
from ...inference.cli.layout import table as layout
from ...inference.errors import Quarantined
from ...inference.event_list import EventList
from ...inference.preprocess import BROAD
from ...inference.progress import Progress
from ...inference.simulate.events import draw_events
from ...inference.simulate.lightcurves import LightCurveShape
from ...inference.simulate.population import MAX_RATE, background, draw
from ...inference.simulate.response import acis_response
from ...inference.simulate.spectra import expected_counts
from ...inference.variability import BAND, HIGHLY_VARIABLE, gregory_loredo, gregory_loredo_binned
from .shares import plain_columns, share_interval
from .tables import save_figure, write_result

Array = NDArray[np.float64]
SEED = 9
EACH = 1000  # sources of each bin and kind
BINS = ((10.0, 40.0), (40.0, 100.0), (100.0, 300.0), (300.0, 1000.0), (1000.0, 5000.0))  # net counts
STEADY, FLARE, GAPS = "steady", "five-fold flare", "gaps alone"
FAINTEST_FLARE = 100.0
AIMS = {STEADY: ("at most", 0.02), FLARE: ("at least", 0.90), GAPS: ("at most", 0.0)}
REDRAWN = 50  # times that counts are drawn from a real light curve
AMPLITUDE = 5.0  # peak over quiescent rate
DECAY = (0.05, 0.30)  # of the exposure, e-folding, log-uniform; at least 200 s: choice
_LEAST_DECAY = 200.0
_GAP = (0.05, 1.0)  # of the exposure, log-uniform


@dataclass(frozen=True)
class _Target:
    """One simulated pointing: counts by channel, the chance that one is of the source, channels, exposure."""

    counts: NDArray[np.int64]
    source_fraction: Array
    channel_lo: Array
    channel_hi: Array
    exposure: float

    def events(self, shape: LightCurveShape, gti: Array, rng: np.random.Generator) -> EventList:
        """Draw the events of 0.5-7.0 keV."""
        return draw_events(
            self.counts,
            self.source_fraction,
            self.channel_lo,
            self.channel_hi,
            self.exposure,
            shape,
            rng,
            gti,
        ).band(*BAND)


def run(
    folder: Path, *, each: int = EACH, data: Path | None = None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Measure how often the test finds variability, by kind of light curve and net counts.

    Parameters
    ----------
    folder : Path
        Existing folder. Tables (CSV, JSON): ``variability``, ``variability-lightcurves``. Figure (PNG, PDF):
        ``variability``.
    each : int
        Sources of each bin and kind.
    data : Path, optional
        Folder of real files with ``lightcurves/``.

    Returns
    -------
    rows : list of dict
        light_curve (``steady``; ``five-fold flare``; ``gaps alone``: steady sources watched in three to five
        intervals, called variable with the gaps and not without them), counts (bin of net counts), n,
        detected (share with a probability above 0.9, with low, high: 68 %, low95, high95), aim, reached.
    curves : list of dict
        Of each light-curve file: file, counts, header_prob and header_index; prob (with prob_low95 and
        prob_high95) and index, medians over counts drawn from its smoothed rates, see
        :func:`lightcurve_rows`; within (the header's probability is in that range); smoothed_prob and
        smoothed_index, from the rates as they are; note (why it could not be read).
    """
    rows = list(_measure(each))
    curves = lightcurve_rows(data) if data else []
    meta = {
        "simulated": True,
        "seed": SEED,
        "each": each,
        "threshold": HIGHLY_VARIABLE,
        "amplitude": AMPLITUDE,
        "decay_over_exposure": DECAY,
        "interval": "Jeffreys; low and high 68 %, low95 and high95 95 %",
    }
    write_result(folder, "variability-lightcurves", curves, {**meta, "simulated": False})
    from .anomaly_figures import draw_detected

    save_figure(folder, "variability", draw_detected(rows))
    write_result(folder, "variability", rows, meta)
    return rows, curves


def _measure(each: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of ``variability``, all sources of a kind first."""
    bins = {kind: [b for b in BINS if kind != FLARE or b[0] >= FAINTEST_FLARE] for kind in AIMS}
    total = each * sum(map(len, bins.values()))
    with Progress(total, "variability of simulated sources", unit="sources") as progress:
        for i, (kind, of_kind) in enumerate(bins.items()):
            found = []
            for limits in of_kind:
                hits = []
                for row in range(each):
                    rng = np.random.default_rng(np.random.SeedSequence([SEED, i, int(limits[0]), row]))
                    hits.append(detected(kind, limits, rng))
                    progress.update(1)
                found.append((f"{limits[0]:g} - {limits[1]:g}", sum(hits), each))
            hits_all, n = sum(hit for _, hit, _ in found), each * len(found)
            label = "all" if kind != FLARE else f">= {FAINTEST_FLARE:g}"
            for counts, hit, number in [(label, hits_all, n), *found]:
                yield _row(kind, counts, hit, number)


def _row(kind: str, counts: str, hits: int, n: int) -> dict[str, Any]:
    side, aim = AIMS[kind]
    share = hits / n
    return {
        "light_curve": kind,
        "counts": counts,
        "n": n,
        **plain_columns("detected", share_interval(hits, n)),
        "aim": aim,
        "reached": share <= aim if side == "at most" else share >= aim,
    }


def detected(kind: str, limits: tuple[float, float], rng: np.random.Generator) -> bool:
    """Draw one source and say whether it is called variable; for gaps, whether the gaps alone do it.

    Parameters
    ----------
    kind : str
        ``steady``, ``five-fold flare`` or ``gaps alone``.
    limits : tuple of float
        Net counts, expected, log-uniform between these; counts in the aperture are at least as many as the
        lower one.
    rng : Generator
        Random numbers.
    """
    target = _target(limits, rng)
    whole = np.array([[0.0, target.exposure]])
    if kind == FLARE:
        decay = max(target.exposure * _log_uniform(DECAY, rng), _LEAST_DECAY)
        peak = target.exposure * rng.uniform(0.05, 0.85)
        shape = LightCurveShape("flare", AMPLITUDE, float("nan"), peak, decay)
        return _variable(target.events(shape, whole, rng))
    if kind == STEADY:
        return _variable(target.events(LightCurveShape(), whole, rng))
    events = target.events(LightCurveShape(), _gappy(target.exposure, rng), rng)
    return _variable(events) and not _variable(_closed(events))


def _target(limits: tuple[float, float], rng: np.random.Generator) -> _Target:
    """Draw a pointing of the generic population with net counts between the limits."""
    low, high = limits
    while True:
        d = draw(rng)
        d = replace(d, counts=_log_uniform(limits, rng))
        if d.counts > MAX_RATE * d.exposure:
            continue
        response = acis_response(d.chip, d.epoch, d.theta)
        expected, behind = expected_counts(d, response)[0], background(d, None)
        counts = rng.poisson(expected + behind)
        r = response.redistribution
        inside = (r.channel_lo >= BROAD[0]) & (r.channel_hi <= BROAD[1])
        net = float(counts[inside].sum() - behind[inside].sum())
        if low <= net < high:
            both = expected + behind
            share = np.divide(expected, both, out=np.zeros_like(both), where=both > 0)
            return _Target(counts, share, r.channel_lo, r.channel_hi, d.exposure)


def _log_uniform(span: tuple[float, float], rng: np.random.Generator) -> float:
    return float(span[0] * (span[1] / span[0]) ** rng.random())


def _gappy(exposure: float, rng: np.random.Generator) -> Array:
    """Draw three to five intervals with gaps of 5 to 100 % of the exposure between them."""
    m = int(rng.integers(3, 6))
    part = exposure * (0.05 + (1 - 0.05 * m) * rng.dirichlet(np.ones(m)))
    gap = exposure * _GAP[0] * (_GAP[1] / _GAP[0]) ** rng.random(m)
    gap[0] = 0.0
    stop = np.cumsum(part + gap)
    return np.column_stack([stop - part, stop])


def _closed(events: EventList) -> EventList:
    """Return the same events with the gaps cut out."""
    return EventList(events.elapsed(), events.energy, np.array([[0.0, events.livetime]]))


def _variable(events: EventList) -> bool:
    return gregory_loredo(events).probability > HIGHLY_VARIABLE


def lightcurve_rows(data: Path) -> list[dict[str, Any]]:
    """Return what the header of each real light curve says beside what its counts, drawn again, give.

    A file holds the rates that the catalog's own test has smoothed, without the noise of counting; the rates
    are brought to the counts of the header, and counts drawn from them :data:`REDRAWN` times.
    """
    paths = sorted((data / "lightcurves").rglob("*lc3.fits*"))
    rows = []
    with Progress(len(paths), "real light curves", unit="files") as progress:
        for path in paths:
            row: dict[str, Any] = {"file": "/".join(path.parts[-2:])}
            try:
                read = read_lightcurve(path)
                if len(read.curve.counts) < 2:
                    raise Quarantined("too-short", "one bin tells nothing of variability")
            except Quarantined as error:
                row["note"] = str(error)
            else:
                counts = float(read.detection["counts"])
                row |= {"counts": counts, **_beside_header(read.curve, counts), "note": ""}
            rows.append(row)
            progress.update(1)
    return rows


def _beside_header(curve: LightCurve, counts: float) -> dict[str, Any]:
    """Return probability and index of the header, of the smoothed rates, and of counts drawn from these."""
    expected = curve.counts * (counts / curve.counts.sum())
    smoothed = gregory_loredo_binned(expected, curve.width, curve.fraction)
    rng = np.random.default_rng(SEED)
    drawn = [
        gregory_loredo_binned(rng.poisson(expected).astype(np.float64), curve.width, curve.fraction)
        for _ in range(REDRAWN)
    ]
    low, middle, high = np.quantile([v.probability for v in drawn], (0.025, 0.5, 0.975))
    return {
        "header_prob": curve.prob,
        "header_index": curve.index,
        "prob": float(middle),
        "prob_low95": float(low),
        "prob_high95": float(high),
        "index": float(np.median([v.index for v in drawn])),
        "within": bool(low <= curve.prob <= high),
        "smoothed_prob": smoothed.probability,
        "smoothed_index": smoothed.index,
    }


def table(rows: Sequence[Mapping[str, Any]], curves: Sequence[Mapping[str, Any]]) -> str:
    """Lay out what :func:`run` returned, for people."""
    lines = [
        [
            row["light_curve"],
            row["counts"],
            row["n"],
            f"{row['detected']:.4f} ({row['low95']:.4f} - {row['high95']:.4f})",
            f"{AIMS[row['light_curve']][0]} {row['aim']:g}",
            "yes" if row["reached"] else "no",
        ]
        for row in rows
    ]
    head = ["light curve", "net counts", "n", "share of P > 0.9 (95 %)", "aim", "reached"]
    blocks = [f"Gregory-Loredo test of simulated sources\n{layout(head, lines)}"]
    if curves:
        blocks.append(_curve_text(curves))
    return "\n\n".join(blocks)


def _curve_text(curves: Sequence[Mapping[str, Any]]) -> str:
    head = ["real light curve", "counts", "PROB", "ours (95 %)", "VARINDEX", "ours"]
    lines = []
    for row in curves:
        found = row["note"]
        if not found:
            found = f"{row['prob']:.3f} ({row['prob_low95']:.3f} - {row['prob_high95']:.3f})"
        names = ("file", "counts", "header_prob", "header_index", "index")
        file, counts, prob, *indices = (row.get(name) for name in names)
        lines.append([file, counts, prob, found, *indices])
    inside, known = sum(row.get("within", False) for row in curves), sum(not row["note"] for row in curves)
    return (
        "Light curves of the Chandra Source Catalog: the header's values, and medians over counts drawn\n"
        f"from the smoothed rates; {inside} of {known} probabilities of headers lie in our 95 % range\n"
        + layout(head, lines)
    )
