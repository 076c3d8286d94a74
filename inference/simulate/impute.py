"""What a catalog row lacks for a simulation: its exposure and place, and fluxes without their error.

Both are draws, not best values: a population simulated from best values would be narrower than the real one.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..errors import ChandraEmbedError
from .catalog import Catalog, CatalogRow, read_catalog
from .deconvolve import deconvolve, posterior, weights
from .population import EPOCHS, exposure_quantile, theta_quantile

Array = NDArray[np.float64]

NEIGHBOURS = 15
POOL_TABLES = ("csc2_detections_labelled.csv", "csc2_detections_globular_clusters.csv.gz")
# CSC 2.0 detections of more than 10 counts in the labelled lists, medians: flux over count rate, and
# significance^2 over net counts
_ERG_PER_COUNT = 8.3e-12  # erg cm^-2 s^-1 over count s^-1
_COUNTS_SHARE = 0.71
_SHORTEST, _LONGEST = 1e3, 190e3  # s

_SHRINK = 10.0  # a class's covariance counts as if so many more members had the pooled one
_FEWEST = 5  # members below which a class goes by the pooled distribution
_START = 4.0 * (0.8 * np.ones((3, 3)) + 0.2 * np.eye(3))  # covariance of ln flux where little is known
_START_WEIGHT = 4.0  # rows that it counts for in the pooled one
_CANDIDATES = 64
_SHARPEST = 1e3  # flux over error that is believed at most: calibration is no better


@dataclass(frozen=True, eq=False)
class DetectionPool:
    """Real detections from which exposure, off-axis angle and epoch are drawn.

    Parameters
    ----------
    exposure, theta, epoch, flux_b, significance : ndarray, shape (n,), float64
        s, arcmin, years since 1999.0 (NaN unknown), erg cm^-2 s^-1 and flux significance in 0.5-7.0 keV
        (NaN unknown). Empty: the quantiles of CSC 2.1 serve instead.
    description : str
        What the draws rest on, for the files made with them.
    """

    exposure: Array
    theta: Array
    epoch: Array
    flux_b: Array
    significance: Array
    description: str

    @classmethod
    def read(cls, paths: Sequence[Path]) -> Self:
        """Read detection tables.

        Parameters
        ----------
        paths : sequence of Path
            Tables with an exposure (``livetime``), ``theta``, and ``flux_aper_b`` or ``flux_significance_b``
            a detection; HRC rows are left out.

        Raises
        ------
        ChandraEmbedError
            A table cannot be read, or none of its rows has an exposure and an off-axis angle.
        """
        found: list[tuple[float, ...]] = []
        names = []
        for path in paths:
            catalog = read_catalog(path)
            rows = [r for r in catalog.rows if np.isfinite(r.exposure) and np.isfinite(r.theta)]
            if not rows:
                raise ChandraEmbedError(
                    f"{path}: no row has an exposure (livetime) and theta: not a table of detections"
                )
            found += [(r.exposure, r.theta, r.epoch, r.flux_b, r.significance) for r in rows]
            names.append(f"{catalog.file} (sha256 {catalog.sha256[:12]})")
        if not found:
            return cls.quantiles()
        values = np.array(found)
        values[:, 3:][values[:, 3:] <= 0] = np.nan  # neither has a logarithm
        description = (
            f"exposure, off-axis angle and epoch of one of the {NEIGHBOURS} ACIS detections nearest in log "
            f"flux and log significance, of {len(values)} in " + ", ".join(names)
        )
        exposure, theta, epoch, flux_b, significance = values.T
        return cls(exposure, theta, epoch, flux_b, significance, description)

    @classmethod
    def quantiles(cls) -> Self:
        """Return the pool without detections: CSC 2.1 quantiles.

        Exposure: what brings the counts that the significance implies, significance^2 / 0.71, at 8.3e-12 erg
        cm^-2 per count (medians of CSC 2.0 detections), within 1-190 ks; where flux or significance is
        not known, the quantiles of CSC 2.1, as for the off-axis angle. Epoch: uniform over the mission.
        """
        none = np.zeros(0)
        description = (
            "exposure from flux and significance, else from CSC 2.1 quantiles; off-axis angle from CSC 2.1 "
            "quantiles; epoch uniform"
        )
        return cls(none, none, none, none, none, description)

    def draw(
        self, flux_b: float, significance: float, rng: np.random.Generator
    ) -> tuple[float, float, float]:
        """Draw where and when a detection like this one was made.

        Parameters
        ----------
        flux_b : float
            erg cm^-2 s^-1, 0.5-7.0 keV; NaN unknown.
        significance : float
            Flux significance; NaN unknown. With one of the two unknown the other decides, with both any
            detection may be drawn.
        rng : Generator
            Four numbers are taken from it, always.

        Returns
        -------
        exposure, theta, epoch : float
            s, arcmin, years since 1999.0.
        """
        pick, where, when, how = rng.random(4)
        year = EPOCHS[0] + (EPOCHS[1] - EPOCHS[0]) * when
        wanted = np.array([flux_b, significance])
        if not self.exposure.size:
            return self._from_quantiles(wanted, how), theta_quantile(where), float(year)
        known = np.flatnonzero(np.isfinite(wanted) & (wanted > 0))
        near = np.arange(len(self.exposure))
        if len(known):
            where_known, spread = self._logarithms
            distance = (((where_known[:, known] - np.log(wanted[known])) / spread[known]) ** 2).sum(axis=1)
            distance[np.isnan(distance)] = np.inf
            count = min(NEIGHBOURS, int(np.isfinite(distance).sum()))
            if count:
                near = np.sort(np.argpartition(distance, count - 1)[:count])
        row = near[int(pick * len(near))]
        epoch = float(self.epoch[row])
        return float(self.exposure[row]), float(self.theta[row]), epoch if np.isfinite(epoch) else float(year)

    @cached_property
    def _logarithms(self) -> tuple[Array, Array]:
        """Return ln flux and ln significance, shape (n, 2), and the standard deviation of each."""
        values = np.log(np.column_stack([self.flux_b, self.significance]))
        known = [column[np.isfinite(column)] for column in values.T]
        spread = [float(column.std()) if len(column) else 1.0 for column in known]
        return values, np.maximum(spread, 1e-9)

    @staticmethod
    def _from_quantiles(wanted: Array, how: float) -> float:
        if not (wanted > 0).all():  # NaN is not
            return exposure_quantile(1e-9 + (1 - 2e-9) * how)
        flux, significance = wanted
        return float(np.clip(significance**2 / _COUNTS_SHARE * _ERG_PER_COUNT / flux, _SHORTEST, _LONGEST))


def find_pool() -> DetectionPool:
    """Return the pool of the detection tables under ``CHANDRA_EMBED_DATA``, else that of quantiles."""
    folder = Path(os.environ.get("CHANDRA_EMBED_DATA") or "-") / "tables"
    return DetectionPool.read([path for name in POOL_TABLES if (path := folder / name).is_file()])


def complete(row: CatalogRow, pool: DetectionPool, rng: np.random.Generator) -> CatalogRow:
    """Fill in the exposure, off-axis angle and epoch that a row lacks.

    Parameters
    ----------
    row : CatalogRow
        The row; without a flux in 0.5-7.0 keV the sum of its three bands stands for it.
    pool : DetectionPool
        Where they come from; those a row lacks come from one detection.
    rng : Generator
        Four numbers are taken from it, always.

    Returns
    -------
    CatalogRow
        The row with nothing of the three missing; `imputed` names what was drawn.
    """
    flux = row.flux_b if np.isfinite(row.flux_b) else float(row.flux.sum())
    drawn = dict(zip(("exposure", "theta", "epoch"), pool.draw(flux, row.significance, rng), strict=True))
    lacking = tuple(name for name in drawn if not np.isfinite(getattr(row, name)))
    full = {name: drawn[name] if name in lacking else float(getattr(row, name)) for name in drawn}
    return replace(
        row,
        exposure=full["exposure"],
        theta=full["theta"],
        epoch=full["epoch"],
        imputed=(*row.imputed, *lacking),
    )


@dataclass(frozen=True, eq=False)
class ErrorFree:
    """Band fluxes with the measurement error taken off: an empirical-Bayes posterior, class by class.

    The true ln fluxes of a class are normal in three dimensions; a flux F with error e counts as n = (F/e)^2
    events of u = e^2/F each, with a Poisson likelihood, so that a faint band is skewed as counts are. A flux
    below its error e counts as F/e events of e each.
    A band without flux whose error the table does not say counts as no event, of a size that follows from the
    row's other bands. A band not measured at all follows from the others and the class.

    Parameters
    ----------
    mean : dict of str to ndarray, shape (3,)
        Mean ln flux (erg cm^-2 s^-1) in s, m, h of each class; ``""``: all rows. Empty: no row had a flux.
    covariance : dict of str to ndarray, shape (3, 3)
        Intrinsic covariance of ln flux.
    event : ndarray, shape (3,)
        Typical ln u of each band, relative to the mean of the three.
    """

    mean: Mapping[str, Array]
    covariance: Mapping[str, Array]
    event: Array

    @classmethod
    def fit(cls, catalog: Catalog) -> Self:
        """Fit the distribution of true fluxes of each class by expectation maximisation.

        One Gaussian component of extreme deconvolution (Bovy, Hogg & Roweis 2011, Ann. Appl. Stat. 5, 1657):
        each row counts with its own errors. Covariances of classes are drawn towards that of all rows with
        the weight of 10 members; classes of fewer than 5 go by all rows.

        Parameters
        ----------
        catalog : Catalog
            Rows with band fluxes; others are passed over.
        """
        rows = catalog.rows
        events = [_events(row, np.full(3, np.nan)) for row in rows]
        n, u = (np.array([e[i] for e in events]).reshape(-1, 3) for i in range(2))
        sure = (n >= 1).all(axis=1)
        size = np.log(u[sure]) - np.log(u[sure]).mean(axis=1, keepdims=True)
        event = np.median(size, axis=0) if len(size) else np.zeros(3)
        events = [_events(row, event) for row in rows]
        n, u = (np.array([e[i] for e in events]).reshape(-1, 3) for i in range(2))
        used = np.isfinite(n).any(axis=1)
        if not used.any():
            return cls({}, {}, event)
        kinds = np.array([row.kind for row in rows])
        means, covariances = {}, {}
        means[""], covariances[""] = deconvolve(n[used], u[used], _START, _START_WEIGHT)
        for kind in sorted(set(kinds[used]) - {""}):
            own = used & (kinds == kind)
            if own.sum() >= _FEWEST:
                means[kind], covariances[kind] = deconvolve(n[own], u[own], covariances[""], _SHRINK)
        return cls(means, covariances, event)

    def draw(self, row: CatalogRow, rng: np.random.Generator) -> Array:
        """Draw the true band fluxes of a row from their distribution given the measured ones.

        Parameters
        ----------
        row : CatalogRow
            The row; without any band flux the draw is one from its class, scaled to ``flux_b`` where known.
        rng : Generator
            Random numbers, as many whatever the row.

        Returns
        -------
        ndarray, shape (3,), float64
            erg cm^-2 s^-1 in s, m, h, all positive; NaN where the catalog had no fluxes to fit.
        """
        noise, pick = rng.standard_normal((_CANDIDATES, 3)), rng.random()
        if not self.mean:
            return np.full(3, np.nan)
        kind = row.kind if row.kind in self.mean else ""
        n, u = _events(row, self.event)
        mean, covariance = posterior(n[None], u[None], self.mean[kind], self.covariance[kind])
        found = mean[0] + noise @ np.linalg.cholesky(covariance[0]).T
        if np.isfinite(n).any():
            sums = np.cumsum(weights(found[None], n[None], u[None])[0])
            chosen = int(np.searchsorted(sums, pick * sums[-1], side="right"))
            return np.asarray(np.exp(found[min(chosen, _CANDIDATES - 1)]))
        flux = np.exp(found[0])
        return np.asarray(flux * (row.flux_b / flux.sum()) if row.flux_b > 0 else flux)


def _events(row: CatalogRow, event: Array) -> tuple[Array, Array]:
    """Return how many events each band flux counts for and the flux of one, shapes (3,); NaN not measured."""
    flux, error = row.flux, row.flux_error
    n, u = np.full(3, np.nan), np.full(3, np.nan)
    for i in range(3):
        if flux[i] > 0 and not np.isfinite(error[i]):
            n[i] = _events_without_error(row, i)
            u[i] = flux[i] / n[i]
        elif flux[i] >= error[i]:
            n[i] = min(flux[i] / error[i], _SHARPEST) ** 2
            u[i] = flux[i] / n[i]
        elif flux[i] < error[i]:
            n[i], u[i] = flux[i] / error[i], error[i]
    size = np.log(u) - event
    for i in range(3):
        if flux[i] == 0 and not np.isfinite(error[i]) and np.isfinite(size).any():
            n[i], u[i] = 0.0, np.exp(np.nanmean(size) + event[i])
    return n, u


def _events_without_error(row: CatalogRow, band: int) -> float:
    """Return what a flux without error counts for: its counts, else its share of the significance squared."""
    if row.counts[band] >= 1:
        return float(row.counts[band])
    total = np.nansum(row.flux)
    if row.significance > 0:
        return float(max(row.significance**2 * row.flux[band] / total, 1.0))
    return 1.0
