"""Spectra of the EPIC pn camera of XMM-Newton, carried over to an ACIS-like effective area, to be looked at.

The toolkit reads Chandra spectra only; these are of ultraluminous sources that few Chandra files show. Each
group of channels keeps its photon flux (counts over the pn's own area) and gets the area of an ACIS-like
back-illuminated chip on axis in 2004; the different energy resolution is left as it is.
"""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inference.catalog.responses import open_fits
from ...inference.errors import Quarantined
from ...inference.preprocess import Observation, band_counts, group, mean_area, resample
from ...inference.recipe import Recipe
from ...inference.simulate.response import acis_response

CHANNEL = 0.005  # keV: the width of a PI channel of the pn; channel 0 begins at 0
EPOCH = 5.0  # years since 1999.0


def pn_files(folder: Path) -> list[Path]:
    """Return the source spectra of a folder, in order of their names."""
    return sorted(folder.glob("*SRSPEC*.FTZ"))


def object_names(folder: Path) -> dict[str, str]:
    """Return what was pointed at, by file name: columns pha and object of the folder's ``index.csv``."""
    index = folder / "index.csv"
    if not index.is_file():
        return {}
    with open(index, newline="", encoding="utf-8") as file:
        return {row["pha"]: row["object"] for row in csv.DictReader(file)}


def read_pn(path: Path, recipe: Recipe) -> tuple[float, NDArray[np.float32]]:
    """Read one source spectrum of the pipeline products.

    Parameters
    ----------
    path : Path
        ``...SRSPEC....FTZ``, with background and ARF beside it under the names of its header.
    recipe : Recipe
        What to put it through.

    Returns
    -------
    net_counts : float
        In 0.5-7.0 keV, as the pn counted them.
    value : ndarray, shape (n_bins,), float32
        The spectrum in the recipe's quantity, as an ACIS-like chip would have seen it.

    Raises
    ------
    Quarantined
        A file is missing or cannot be read, or the area does not cover the spectrum.
    """
    counts, header = _spectrum(path)
    behind, header_behind = _spectrum(path.with_name(str(header["BACKFILE"])))
    with open_fits(path.with_name(str(header["ANCRFILE"]))) as file:
        table = file["SPECRESP"].data
        lo, hi, area = (np.asarray(table[name], np.float64) for name in ("ENERG_LO", "ENERG_HI", "SPECRESP"))
    channel: NDArray[np.float64] = CHANNEL * np.arange(len(counts) + 1, dtype=np.float64)
    exposures = float(header["EXPOSURE"]), float(header_behind["EXPOSURE"])
    scale = float(header["BACKSCAL"]) * exposures[0] / (float(header_behind["BACKSCAL"]) * exposures[1])
    seen = Observation(
        counts, exposures[0], channel[:-1], channel[1:], behind, scale, area_lo=lo, area_hi=hi, area=area
    )
    grouped = group(seen, replace(recipe, quantity="flux"))
    net = band_counts(seen)[2]
    if recipe.quantity == "flux" or not grouped.lo.size:
        return net, resample(grouped, recipe)[0]
    acis = acis_response("BI", EPOCH, 0.0)
    r = acis.redistribution
    chip = replace(seen, area_lo=r.energy_lo, area_hi=r.energy_hi, area=acis.area)
    factor, _ = mean_area(chip, np.append(grouped.lo, grouped.hi[-1]))
    rate = replace(grouped, y=grouped.y * factor, yerr=grouped.yerr * factor)
    return net, resample(rate, recipe)[0]


def _spectrum(path: Path) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return the counts of all channels and the header."""
    if not path.is_file():
        raise Quarantined("unreadable", f"{path.name} is not there")
    with open_fits(path) as file:
        hdu = file["SPECTRUM"]
        return np.asarray(hdu.data["COUNTS"], np.float64), dict(hdu.header)
