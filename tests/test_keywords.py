"""Keywords of every form a header may hold, and the instruments that are ACIS."""

import pytest
from astropy.io import fits
from chandra_embed.inference.catalog.keywords import check_acis, names_acis, number, text
from chandra_embed.inference.errors import Quarantined


def header(*cards: str) -> fits.Header:
    """A header of cards as they stand in a file."""
    return fits.Header.fromstring("".join(card.ljust(80) for card in cards))


@pytest.mark.parametrize(
    ("card", "value", "words"),
    [
        ("KEY     =                 10.5", 10.5, "10.5"),
        ("KEY     =                    3", 3.0, "3"),
        ("KEY     = '10000.0 '", 10000.0, "10000.0"),
        ("KEY     = '10 20 30'", None, "10 20 30"),
        ("KEY     =                    T", None, "True"),
        ("KEY     = ''", None, ""),
        ("KEY     =", None, ""),
        ("KEY     =                  NaN", None, ""),
        ("KEY     =                 1e999", float("inf"), "inf"),
        ("OTHER   =                    1", None, ""),
    ],
)
def test_every_form_of_a_keyword(card, value, words):
    head = header(card)
    assert number(head, "KEY") == value or (value is None and number(head, "KEY") != number(head, "KEY"))
    assert text(head, "KEY") == words


@pytest.mark.parametrize(
    ("telescope", "instrument", "reason"),
    [
        ("CHANDRA", "ACIS", ""),
        ("Chandra", "acis-s", ""),
        ("AXAF", "ACIS-I", ""),
        ("CHANDRA", "", ""),
        ("", "ACIS", ""),
        ("", "", "not-chandra"),
        ("CHANDRA", "HRC-S", "hrc"),
        ("CHANDRA", "ACISX", "not-chandra"),
        ("XMM", "ACIS", "not-chandra"),
        ("SWIFT", "XRT", "not-chandra"),
    ],
)
def test_which_instruments_are_ours(telescope, instrument, reason):
    head = fits.Header({"TELESCOP": telescope, "INSTRUME": instrument})
    if not reason:
        check_acis(head)
        assert names_acis(telescope.upper(), instrument.upper())
        return
    with pytest.raises(Quarantined) as caught:
        check_acis(head)
    assert caught.value.reason == reason
