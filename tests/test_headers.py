"""Headers are walked before anything is read: what they declare fits into the file, or is refused by name."""

from collections.abc import Callable
from pathlib import Path

import ogip
import pytest
from astropy.io import fits
from chandra_embed.inference.catalog.headers import Header, walk
from chandra_embed.inference.errors import Quarantined


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return ogip.write_pha(tmp_path_factory.mktemp("headers") / "a.pi", ogip.counts(1)).read_bytes()


def spans(data: bytes) -> list[tuple[int, int]]:
    return [(span.data, span.size) for span in walk(lambda at, n: data[at : at + n], len(data))]


def card(raw: bytes, key: str, value: object) -> bytes:
    """The file with another value of a keyword of its table."""
    at = raw.index(f"{key:8}= ".encode(), 2880)
    return raw[:at] + f"{key:8}= {value!s:>20}".ljust(80).encode() + raw[at + 80 :]


def test_extensions_lie_where_astropy_finds_them(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.fits").write_bytes(raw)
    with fits.open(tmp_path / "a.fits") as file:
        assert [span[0] for span in spans(raw)] == [hdu.fileinfo()["datLoc"] for hdu in file]
        assert [span[1] for span in spans(raw)] == [0, 8 * 1024]


CASES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "no FITS": ("not-fits", lambda raw: b"PK" + raw),
    "rows by the trillion": ("truncated", lambda raw: card(raw, "NAXIS2", 10**12)),
    "a negative number of rows": ("bad-header", lambda raw: card(raw, "NAXIS2", -1)),
    "rows that are no whole number": ("bad-header", lambda raw: card(raw, "NAXIS2", "1E3")),
    "a heap larger than the file": ("truncated", lambda raw: card(raw, "PCOUNT", 10**15)),
    "columns by the billion": ("bad-header", lambda raw: card(raw, "TFIELDS", 10**9)),
    "dimensions by the billion": ("bad-header", lambda raw: card(raw, "NAXIS", 10**9)),
    "a column wider than the row": ("bad-header", lambda raw: card(raw, "TFORM2", "'999999999J'")),
    "17 bits": ("bad-header", lambda raw: card(raw, "BITPIX", 17)),
    "a size that stands twice": ("bad-header", lambda raw: raw.replace(b"PCOUNT  =", b"NAXIS2  =")),
    "a size left out": ("bad-header", lambda raw: raw.replace(b"NAXIS2  =", b"NAXIS9  =")),
    "data cut off": ("truncated", lambda raw: raw[:-2880]),
    "a header cut off": ("truncated", lambda raw: raw[:4000]),
    "bytes behind": ("trailing-bytes", lambda raw: raw + b"x" * 2880),
    "a header without END": ("bad-header", lambda raw: raw[:2880] + b"XTENSION".ljust(2880) * 2000),
    "extensions by the thousand": ("bad-header", lambda raw: raw[:2880] + _empty(raw) * 1001),
}


def _empty(raw: bytes) -> bytes:
    header = fits.ImageHDU().header.tostring().encode()
    return header.ljust(2880)


@pytest.mark.parametrize("what", CASES)
def test_what_cannot_be_is_refused(raw: bytes, what: str) -> None:
    reason, change = CASES[what]
    with pytest.raises(Quarantined) as caught:
        spans(change(raw))
    assert caught.value.reason == reason


def test_zeros_behind_and_padding_left_out_are_no_harm(raw: bytes) -> None:
    assert spans(raw + bytes(2880 * 3 + 7)) == spans(raw)
    assert spans(raw[: -(2880 - 8 * 1024 % 2880)]) == spans(raw)


CARDS = """
A       =                   42 / whole
B       =             -1.5E+03 / real
C       =             1.25D-02
D       = 'it''s text   '      / text
E       =                    T
F       =                      / undefined
G       = 'long text that &'
CONTINUE  'goes on'
A2      = '        '
H       = 1
H       = 2
HIERARCH LONG KEY = 7
lower   = 3
COMMENT = no value
"""


@pytest.mark.parametrize("without", ["", "lower   = 3\n"])
def test_values_are_astropys(without: str) -> None:
    lines = [*CARDS.replace(without, "").strip().split("\n"), "END"]
    raw = "".join(line.ljust(80) for line in lines).encode()
    theirs = fits.Header.fromstring(raw)
    ours = Header(raw)
    assert ours.odd is not bool(without)
    for key in ("A", "A2", "B", "C", "D", "E", "F", "G", "H", "LONG KEY"):
        assert key in ours
        assert repr(ours[key]) == repr(theirs[key]), key
    assert ours.get("NONE", 5) == 5
    with pytest.raises(KeyError):
        ours["NONE"]
