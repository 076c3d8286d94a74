"""The ``--responses`` table: background, ARF and RMF of files whose headers do not name them."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import ChandraEmbedError
from .fits import Companions, find_named
from .inputs import Given

COLUMNS = ("background", "arf", "rmf")


def read_response_table(path: Path, given: Sequence[Given]) -> dict[Path, Companions]:
    """Read a table with the columns file, arf, rmf, background (any of the last three may be left out).

    Parameters
    ----------
    path : Path
        Any table astropy reads: CSV, ECSV, FITS, VOTable. ``file`` is the path as ingest lists it (relative
        to the PATH given), or the bare file name where only one input has it. The others are looked for
        beside the table, then beside the spectrum; empty or ``none`` leaves what the header says.
    given : sequence of Given
        The inputs.

    Returns
    -------
    dict
        Resolved path of the spectrum -> what the table names for it.

    Raises
    ------
    ChandraEmbedError
        The table cannot be read, or names a file that is not there, or an input that was not given.
    """
    from astropy.table import Table

    try:
        name = path.name.lower()
        table = Table.read(path, format="ascii.csv") if name.endswith(".csv") else Table.read(path)
    except Exception as error:  # astropy raises whatever the format's reader does
        raise ChandraEmbedError(f"{path}: cannot be read as a table ({error})") from error
    if "file" not in table.colnames or not set(COLUMNS) & set(table.colnames):
        raise ChandraEmbedError(f"{path}: needs a column file and one of {', '.join(COLUMNS)}")
    labels = {one.label: one for one in given}
    names: dict[str, list[Given]] = {}
    for one in given:
        names.setdefault(one.path.name, []).append(one)
    found: dict[Path, Companions] = {}
    for number, row in enumerate(table, 1):
        one = _input(path, number, str(row["file"]).strip(), labels, names)
        named = {}
        for column in COLUMNS:
            text = str(row[column]).strip() if column in table.colnames else ""
            if text.lower() in ("", "none", "--", "nan"):
                continue
            named[column] = find_named(path, text) or find_named(one.path, text)
            if named[column] is None:
                raise ChandraEmbedError(f"{path}: row {number} names {column} {text!r}, which is not there")
        if Path(one.real) in found:
            raise ChandraEmbedError(f"{path}: row {number}: {one.label} stands in the table twice")
        found[Path(one.real)] = Companions(**named)
    return found


def _input(
    path: Path, number: int, name: str, labels: dict[str, Given], names: dict[str, list[Given]]
) -> Given:
    matches = [labels[name]] if name in labels else names.get(name, [])
    if len(matches) == 1:
        return matches[0]
    why = "is not among the inputs" if not matches else f"stands {len(matches)} times: write its path"
    raise ChandraEmbedError(f"{path}: row {number}: {name!r} {why}")
