"""Read a catalog table into the rows that a simulation follows, whatever names the catalog gives its columns.

Any table of names, band counts or band fluxes will do; all that a row lacks is NaN, -1 or empty.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..catalog.store import sha256_file
from ..errors import ChandraEmbedError
from .columns import numbers, read_columns

Array = NDArray[np.float64]
BANDS = ("s", "m", "h")

# class words as SIMBAD, the training sets of MUWCLASS (Yang et al. 2022, ApJ 941, 104) and others write them;
# a word of more than one class (XB, ULX, X, Galaxy), and a candidate, has none. A star of no stated type is
# taken for a cool one, as most X-ray stars are; NS_BIN is an LMXB, as in MUWCLASS.
_WORDS = {
    "AGN": "AGN QSO Quasar Seyfert Seyfert_1 Seyfert_2 Sy1 Sy2 BLLac Blazar LINER RadioG LensedQ",
    "CV": "CV CataclyV* Nova",
    "HM-STAR": "HM-STAR WR* WolfRayet* BlueSG* Be*",
    "HMXB": "HMXB",
    "LM-STAR": "LM-STAR Star BYDra RSCVn RotV* EB* SB* PM*",
    "LMXB": "LMXB BH NS_BIN",
    "NS": "NS PULSAR Pulsar PSR Neutron*",
    "YSO": "YSO TTau* TTauri* Orion_V* OrionV* Ae*",
}
KIND_OF_WORD = {word.lower(): kind for kind, words in _WORDS.items() for word in words.split()}

# quantity -> column names, the first that a table has is taken
_TEXT = {
    "name": ("name", "CSCv2_name", "2CXO"),
    "label": ("True_Class", "true_Class", "class", "Class", "main_type", "master_class", "hard_master_class"),
    "date": ("gti_obs", "date_obs"),
    "instrument": ("instrument",),
    "ra": ("ra", "CSCv2_RA", "RAICRS"),
    "dec": ("dec", "CSCv2_DEC", "DEICRS"),
}
_NUMBERS = {
    "obsid": ("obsid",),
    "obi": ("obi",),
    "region_id": ("region_id",),
    "exposure": ("livetime", "exposure", "gti_elapse"),
    "theta": ("theta",),
    "started": ("gti_start",),
    "flux_b": ("Fb", "flux_aper_b", "flux_aper90_b", "Fluxb"),
    "significance": ("flux_significance_b", "significance", "CSCv2_S/N", "S/N"),
    "gamma": ("powlaw_gamma",),
    "nh": ("powlaw_nh",),
    "kt": ("bb_kt",),
    "var_prob_b": ("var_prob_b", "P_intra"),
    **{f"counts_{b}": (f"src_cnts_aper_{b}", f"src_cnts_aper90_{b}") for b in BANDS},
    **{f"flux_{b}": (f"F{b}", f"flux_aper_{b}", f"flux_aper90_{b}", f"Flux{b}") for b in BANDS},
    **{f"error_{b}": (f"e_F{b}",) for b in BANDS},
    **{
        f"{end}_{b}": (f"flux_aper_{end}_{b}", f"flux_aper90_{end}_{b}")
        for b in BANDS
        for end in ("lolim", "hilim")
    },
}
_KNOWN = {name for names in (*_TEXT.values(), *_NUMBERS.values()) for name in names}
_USABLE = ("name", *(f"counts_{b}" for b in BANDS), *(f"flux_{b}" for b in BANDS))
_NOT_BELOW_ZERO = ("exposure", "theta", "flux_b", "significance", "nh", "kt")
_J_NAME = re.compile(r"^(?:2CXO\s*)?(J\d{6}.*)$", re.IGNORECASE)
_LEAST, _GREATEST = 1e-30, 1.0  # erg cm^-2 s^-1: beyond these no source is
_STAND_IN_ROWS = 5  # so often must one value with one error stand in two bands to be taken for "no flux"


@dataclass(frozen=True, eq=False)
class CatalogRow:
    """One row of a catalog; what the table lacks is NaN, -1 or empty.

    `row` counts from 0 as in the table; `name` with its ``2CXO``; `source_id` the name, else ObsID, OBI and
    region, else the row; `kind` one of the eight classes or ``""``; `label` the class as the table writes it;
    `ra`, `dec` deg; `exposure` s; `theta` arcmin; `epoch` years since 1999.0; `counts` (3,) net aperture
    counts in s, m, h; `flux`, `flux_error` (3,) erg cm^-2 s^-1 and 1 sigma (a flux of 0 with an error of NaN:
    not detected in the band, the table does not say how deep); `flux_b` the same, 0.5-7.0 keV; `significance`
    of the flux; `gamma`; `nh` 1e22 cm^-2; `kt` keV; `var_prob_b`; `imputed` what was drawn, not read.
    """

    row: int
    name: str
    source_id: str
    kind: str
    label: str
    obsid: int
    obi: int
    region_id: int
    ra: float
    dec: float
    exposure: float
    theta: float
    epoch: float
    counts: Array
    flux: Array
    flux_error: Array
    flux_b: float
    significance: float
    gamma: float
    nh: float
    kt: float
    var_prob_b: float
    imputed: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Catalog:
    """A catalog table as read.

    Parameters
    ----------
    file : str
        Name of the table, without its folder.
    sha256 : str
        Of its bytes.
    rows : tuple of CatalogRow
        The rows that can serve, in the order of the table.
    left_out : dict of str to int
        Reason -> number of rows that cannot.
    columns : dict of str to str
        Quantity -> column of the table it was read from.
    notes : tuple of str
        What was read in another sense than the table writes it.
    """

    file: str
    sha256: str
    rows: tuple[CatalogRow, ...]
    left_out: Mapping[str, int]
    columns: Mapping[str, str]
    notes: tuple[str, ...] = ()


def read_catalog(path: Path) -> Catalog:
    """Read a catalog table.

    CSV (also ``.csv.gz``), FITS, VOTable, ECSV. Columns go by the names they have in the Chandra Source
    Catalog, MUWCLASS and VizieR's IX/57; ``powlaw_nh`` is taken in the catalog's 1e20 cm^-2. Where limits
    stand instead of an error, it is half their distance. Negative counts and fluxes are 0: nothing was seen.
    The least flux of a table, standing often and in two bands at least with one error only, is what some
    catalogs write for none. HRC detections have no spectrum and are left out.

    NS in a table that also has PULSAR stands for binaries with a neutron star, as in lists that tell the two
    apart, and becomes LMXB; in other tables it is NS.

    Parameters
    ----------
    path : Path
        The table.

    Returns
    -------
    Catalog

    Raises
    ------
    ChandraEmbedError
        The file is missing, no table, empty, or has none of the columns or no row that can serve.
    """
    texts, no_rows = read_columns(path, _KNOWN)
    n = max((len(values) for values in texts.values()), default=0)
    used = {
        quantity: found
        for quantity, names in {**_TEXT, **_NUMBERS}.items()
        if (found := next((name for name in names if name in texts), None))
    }
    if not set(_USABLE) & set(used):
        raise ChandraEmbedError(
            f"{path}: no column of names (name, CSCv2_name), counts (src_cnts_aper_s, ...) or fluxes "
            "(Fs or flux_aper_s, ...): not a table to simulate"
        )
    if not n:
        why = "".join(f", and {count} lines {reason}" for reason, count in no_rows.items())
        raise ChandraEmbedError(f"{path}: the table has no rows{why}")
    text = {q: texts[used[q]] if q in used else [""] * n for q in _TEXT}
    number = {
        q: numbers(texts[used[q]], path, used[q]) if q in used else np.full(n, np.nan) for q in _NUMBERS
    }
    for quantity in _NOT_BELOW_ZERO:
        number[quantity][number[quantity] < 0] = np.nan
    number["exposure"][number["exposure"] == 0] = np.nan
    notes: list[str] = []
    rows, left_out = _rows(text, number, notes)
    left_out.update(no_rows)
    if not rows:
        why = "; ".join(f"{count} {reason}" for reason, count in left_out.items())
        raise ChandraEmbedError(f"{path}: no row can serve ({why})")
    return Catalog(path.name, sha256_file(path), tuple(rows), dict(left_out), used, tuple(notes))


def _rows(
    text: Mapping[str, Sequence[str]], number: Mapping[str, Array], notes: list[str]
) -> tuple[list[CatalogRow], Counter[str]]:
    """Turn columns into rows; return those that can serve and why the others cannot."""
    counts = np.maximum(np.column_stack([number[f"counts_{b}"] for b in BANDS]), 0.0)
    flux, error = _fluxes(number, notes)
    kinds = _kinds(text["label"], notes)
    epoch = [_epoch(t) for t in text["date"]]
    # gti_start: seconds since 1998.0, mission time
    epoch = [e if e == e else s / (365.25 * 86400) - 1 for e, s in zip(epoch, number["started"], strict=True)]
    whole = {q: [_whole(v) for v in number[q]] for q in ("obsid", "obi", "region_id")}
    plain = {q: values.tolist() for q, values in number.items()}
    seen: list[bool] = np.isfinite(np.hstack([counts, flux])).any(axis=1).tolist()
    rows, left_out = [], Counter[str]()
    for i, raw in enumerate(text["name"]):
        name = _name(raw)
        if text["instrument"][i].strip().upper().startswith("HRC"):
            left_out["of the HRC, which takes no spectra"] += 1
            continue
        if not name and not seen[i]:
            left_out["without name, counts and fluxes"] += 1
            continue
        ids = {q: values[i] for q, values in whole.items()}
        rows.append(
            CatalogRow(
                row=i,
                name=name,
                source_id=_source_id(name, ids, i),
                kind=kinds[i],
                label=text["label"][i].strip(),
                ra=_angle(text["ra"][i], 15.0),
                dec=_angle(text["dec"][i], 1.0),
                epoch=epoch[i],
                counts=counts[i],
                flux=flux[i],
                flux_error=error[i],
                obsid=ids["obsid"],
                obi=ids["obi"],
                region_id=ids["region_id"],
                exposure=plain["exposure"][i],
                theta=plain["theta"][i],
                flux_b=plain["flux_b"][i],
                significance=plain["significance"][i],
                gamma=plain["gamma"][i],
                nh=plain["nh"][i] / 100,  # 1e20 to 1e22 cm^-2
                kt=plain["kt"][i],
                var_prob_b=plain["var_prob_b"][i],
            )
        )
    return rows, left_out


def _fluxes(number: Mapping[str, Array], notes: list[str]) -> tuple[Array, Array]:
    """Return band fluxes and errors, shape (n, 3); what stands for no flux becomes 0 with error NaN."""
    flux = np.maximum(np.column_stack([number[f"flux_{b}"] for b in BANDS]), 0.0)
    error = np.column_stack([number[f"error_{b}"] for b in BANDS])
    limits = np.column_stack([(number[f"hilim_{b}"] - number[f"lolim_{b}"]) / 2 for b in BANDS])
    error = np.where(np.isfinite(error), error, limits)
    absurd = flux > _GREATEST
    if absurd.any():
        notes.append(f"{int(absurd.sum())} band fluxes above {_GREATEST:g} erg/cm2/s are read as unknown")
    flux[absurd], flux[flux < _LEAST] = np.nan, 0.0
    error[~((error > _LEAST) & (error < _GREATEST))] = np.nan
    positive = flux[flux > 0]
    if positive.size:
        least = positive.min()
        stands = flux == least
        one_error = len(set(error[stands].tolist())) == 1
        if one_error and (stands.sum(axis=0) >= _STAND_IN_ROWS).sum() >= 2:
            notes.append(f"{least:g} erg/cm2/s, {int(stands.sum())} times in the bands, is read as no flux")
            flux[stands], error[stands] = 0.0, np.nan
    return flux, error


def _kinds(labels: Sequence[str], notes: list[str]) -> list[str]:
    """Return the class of each label, ``""`` where it is of none."""
    words = [label.strip().lower() for label in labels]
    table = KIND_OF_WORD
    if {"ns", "pulsar"} <= set(words):
        notes.append("NS stands beside PULSAR: read as LMXB")
        table = {**table, "ns": "LMXB"}
    return [table.get(word, "") for word in words]


def _name(raw: str) -> str:
    name = " ".join(raw.split())
    match = _J_NAME.match(name)
    if match:
        return f"2CXO {match[1]}"
    return "" if name.lower() in ("", "nan", "none", "--") else name


def _source_id(name: str, ids: Mapping[str, int], row: int) -> str:
    if name:
        return name
    if ids["obsid"] >= 0 and ids["region_id"] >= 0:
        return f"{ids['obsid']}_{ids['obi']}_{ids['region_id']}"
    return f"row {row}"


def _whole(value: float) -> int:
    return int(value) if 0 <= value < 2**31 else -1  # NaN is not


def _epoch(text: str) -> float:
    """Return years since 1999.0 of an ISO date, NaN where it is none."""
    try:
        when = datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    except ValueError:
        return math.nan
    start = datetime(when.year, 1, 1)
    return when.year - 1999 + (when - start) / (datetime(when.year, 12, 31) + timedelta(days=1) - start)


def _angle(text: str, hours: float) -> float:
    """Return degrees of a number, or of three that are sexagesimal (times `hours`); NaN of anything else."""
    parts = text.replace(":", " ").split()
    try:
        values = [float(part) for part in parts]
    except ValueError:
        return math.nan
    if len(values) == 3:
        sign = -1.0 if parts[0].startswith("-") else 1.0
        return sign * hours * (abs(values[0]) + values[1] / 60 + values[2] / 3600)
    return values[0] if len(values) == 1 and math.isfinite(values[0]) else math.nan
