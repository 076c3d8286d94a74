"""Real ARF and RMF files for the simulator: pair what a folder holds and make responses of it."""

import logging
from collections import defaultdict
from pathlib import Path

import numpy as np

from ..errors import ChandraEmbedError
from ..preprocess import BROAD
from .response import CHANNELS, Response, from_matrix
from .shapes import ENERGY_MIN

logger = logging.getLogger("chandra_embed")

# ending of the name, kind; longer endings first
_ENDINGS = (
    ("_arf3.fits", "arf"),
    ("_rmf3.fits", "rmf"),
    (".warf", "arf"),
    (".wrmf", "rmf"),
    (".arf", "arf"),
    (".rmf", "rmf"),
)


def _split(path: Path) -> tuple[str, str] | None:
    """Return stem and kind of an ARF or RMF, None for another file."""
    name = path.name.removesuffix(".gz")
    for ending, kind in _ENDINGS:
        if name.lower().endswith(ending):
            return name[: -len(ending)], kind
    if name.lower().endswith(".fits") and name.lower()[:3] in ("arf", "rmf"):
        return name[3:-5], name.lower()[:3]
    return None


def find_pairs(folder: Path) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Pair the ARF and RMF files of a folder tree.

    Files pair by the same stem in the same folder; where a folder has exactly one of each left, those two.

    Parameters
    ----------
    folder : Path
        Searched with everything below it.

    Returns
    -------
    pairs : list of (arf, rmf)
        In the order of their paths.
    unpaired : list of Path
        What has no partner.
    """
    folders: dict[Path, dict[str, dict[str, Path]]] = defaultdict(lambda: {"arf": {}, "rmf": {}})
    for path in sorted(folder.rglob("*")):
        found = _split(path) if path.is_file() else None
        if found:
            stem, kind = found
            folders[path.parent][kind].setdefault(stem, path)
    pairs: list[tuple[Path, Path]] = []
    unpaired: list[Path] = []
    for here in folders.values():
        arfs, rmfs = here["arf"], here["rmf"]
        for stem in sorted(arfs.keys() & rmfs.keys()):
            pairs.append((arfs.pop(stem), rmfs.pop(stem)))
        if len(arfs) == len(rmfs) == 1:
            pairs.append((arfs.popitem()[1], rmfs.popitem()[1]))
        unpaired += [*arfs.values(), *rmfs.values()]
    return sorted(pairs), sorted(unpaired)


def read_responses(folder: Path) -> list[Response]:
    """Read every pair of ARF and RMF in a folder tree.

    An ARF on another energy grid than its RMF is interpolated at the RMF's bin centres. Files without a
    partner and pairs that cannot serve are named in a warning. The particle background of the
    simulation is that of a front-illuminated chip, whatever the files are of.

    Parameters
    ----------
    folder : Path
        Searched with everything below it.

    Raises
    ------
    ChandraEmbedError
        No pair that can be used.
    """
    pairs, unpaired = find_pairs(folder)
    problems = [f"{path.relative_to(folder)}: no partner" for path in unpaired]
    responses = []
    for arf, rmf in pairs:
        try:
            responses.append(_read_pair(arf, rmf, str(arf.relative_to(folder))))
        except ChandraEmbedError as error:
            problems.append(f"{arf.relative_to(folder)}: {error}")
    if problems:
        logger.warning("%s: not used as responses: %s", folder, "; ".join(problems))
    if not responses:
        raise ChandraEmbedError(
            f"{folder}: no ARF and RMF that pair (same name but for _arf3/_rmf3, .arf/.rmf or .warf/.wrmf) "
            f"and can be used{f' ({problems[0]})' if problems else ''}; name another folder with --responses"
        )
    return responses


def _read_pair(arf: Path, rmf: Path, name: str) -> Response:
    from ..catalog.responses import read_arf, read_rmf

    a, r = read_arf(arf), read_rmf(rmf)
    lo, hi = r.ebounds.lo, r.ebounds.hi
    if lo.size > CHANNELS:
        raise ChandraEmbedError(f"{rmf.name}: {lo.size} channels, at most {CHANNELS} are simulated")
    centre = (r.energ_lo + r.energ_hi) / 2
    if centre[0] < ENERGY_MIN:
        raise ChandraEmbedError(
            f"{rmf.name}: begins at {centre[0]:g} keV, absorption is known from {ENERGY_MIN} on"
        )
    area = a.area
    if a.energ_lo.shape != centre.shape or not np.allclose(a.energ_lo, r.energ_lo, rtol=1e-4):
        area = np.interp(centre, (a.energ_lo + a.energ_hi) / 2, a.area, left=0.0, right=0.0)
    made = from_matrix(r.energ_lo, r.energ_hi, lo, hi, np.maximum(r.matrix, 0.0))
    inside = (lo >= BROAD[0]) & (hi <= BROAD[1])
    if not made.fold(area)[inside].any():
        raise ChandraEmbedError(f"{arf.name}: no effective area in {BROAD[0]}-{BROAD[1]} keV")
    return Response(name, "FI", area, made)
