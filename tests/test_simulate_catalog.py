"""Catalog rows: column names, classes, units, what stands for no flux, rows and files that cannot serve."""

import math
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.simulate.catalog import KIND_OF_WORD, Catalog, read_catalog

EIGHT = {"AGN", "CV", "HM-STAR", "HMXB", "LM-STAR", "LMXB", "NS", "YSO"}


def read(tmp_path: Path, text: str) -> Catalog:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8")
    return read_catalog(path)


def kinds(tmp_path: Path, column: str, words: list[str]) -> list[str]:
    text = f"name,{column}\n" + "".join(f"2CXO J{i:06d}.0+000000,{word}\n" for i, word in enumerate(words))
    return [row.kind for row in read(tmp_path, text).rows]


def test_detection_table(tmp_path: Path) -> None:
    c = read(
        tmp_path,
        "class,name,obsid,obi,region_id,instrument,ra,dec,theta,livetime,gti_obs,src_cnts_aper_s,src_cnts_aper_m,"
        "src_cnts_aper_h,flux_aper_s,flux_aper_m,flux_aper_h,flux_aper_lolim_s,flux_aper_hilim_s,flux_aper_b,"
        "significance,flux_significance_b,powlaw_gamma,powlaw_nh,bb_kt,var_prob_b\n"
        "BH,J062244.5-002044,95,0,11,ACIS,95.68,-0.34,0.6,41932.7,2000-07-01T00:00:00,66.7,-3,0,4e-15,1e-15,-1e-16,"
        "3e-15,6e-15,1.7e-14,23.6,10.4,2.45,23.29,0.46,0.1\n"
        "CV,,95,0,12,ACIS,,,,0,,1,,,,,,,,,,,,,,\n"
        "CV,x,96,0,1,HRC,,,,5,,1,,,,,,,,,,,,,,\n"
        "CV,,97,0,1,ACIS,,,,5,,,,,,,,,,,,,,,,\n",
    )
    assert len(c.rows) == 2
    assert c.left_out == {"of the HRC, which takes no spectra": 1, "without name, counts and fluxes": 1}
    first, second = c.rows
    assert (first.name, first.source_id, first.kind, first.label) == (
        "2CXO J062244.5-002044",
        "2CXO J062244.5-002044",
        "LMXB",
        "BH",
    )
    assert (first.obsid, first.obi, first.region_id, first.row) == (95, 0, 11, 0)
    np.testing.assert_array_equal(first.counts, [66.7, 0, 0])
    np.testing.assert_array_equal(first.flux, [4e-15, 1e-15, 0])
    np.testing.assert_allclose(first.flux_error, [1.5e-15, np.nan, np.nan])
    assert first.significance == 10.4  # the detection's, not the source's
    assert first.nh == pytest.approx(0.2329)  # 1e22 cm^-2
    assert first.epoch == pytest.approx(1 + 182 / 366)
    assert (first.exposure, first.theta, first.gamma, first.kt) == (41932.7, 0.6, 2.45, 0.46)
    assert second.source_id == "95_0_12"
    assert second.name == ""
    assert math.isnan(second.exposure)  # 0 s is no exposure
    assert math.isnan(second.epoch)
    assert c.columns["significance"] == "flux_significance_b"


def test_source_table(tmp_path: Path) -> None:
    c = read(
        tmp_path,
        "CSCv2_name,CSCv2_RA,CSCv2_DEC,CSCv2_S/N,Fs,e_Fs,Fm,e_Fm,Fh,e_Fh,Fb,e_Fb,Class,True_Class\n"
        "2CXO  J000230.7+004959,0.6,0.8,11.07,5.7e-14,7e-15,2.9e-14,5e-15,6e-14,1e-14,1.4e-13,2e-14,AGN,NS\n",
    )
    (row,) = c.rows
    assert row.kind == "NS"  # the true class, not the predicted one
    assert row.name == "2CXO J000230.7+004959"
    np.testing.assert_array_equal(row.flux_error, [7e-15, 5e-15, 1e-14])
    assert (row.flux_b, row.significance, row.ra, row.obsid) == (1.4e-13, 11.07, 0.6, -1)
    assert np.isnan(row.counts).all()
    assert row.imputed == ()


def test_ns_beside_pulsar_is_a_binary(tmp_path: Path) -> None:
    assert kinds(tmp_path, "class", ["NS", "PULSAR", "BH"]) == ["LMXB", "NS", "LMXB"]
    assert kinds(tmp_path, "class", ["NS", "NS_BIN"]) == ["NS", "LMXB"]


def test_class_words(tmp_path: Path) -> None:
    words = ["QSO", "Seyfert_1", "BLLac", "TTau*", "Orion_V*", "Star", "CataclyV*", "WR*", "HMXB", "agn"]
    expected = ["AGN", "AGN", "AGN", "YSO", "YSO", "LM-STAR", "CV", "HM-STAR", "HMXB", "AGN"]
    assert kinds(tmp_path, "main_type", words) == expected
    assert (
        kinds(tmp_path, "main_type", ["XB", "X", "", "Galaxy", "CV-candidate", "QSO_Candidate"]) == [""] * 6
    )
    assert set(KIND_OF_WORD.values()) == EIGHT


def test_value_that_stands_for_no_flux(tmp_path: Path) -> None:
    head = "name,Fs,e_Fs,Fm,e_Fm,Fh,e_Fh\n"
    plain = "".join(f"a{i},1e-15,2e-16,1e-15,{i + 1}e-16,3e-15,1e-15\n" for i in range(9))
    rows = "".join(f"b{i},8e-18,6e-18,8e-18,6e-18,3e-15,1e-15\n" for i in range(5))
    c = read(tmp_path, head + plain + rows)
    np.testing.assert_array_equal(c.rows[-1].flux, [0, 0, 3e-15])
    np.testing.assert_array_equal(c.rows[-1].flux_error, [np.nan, np.nan, 1e-15])
    assert c.rows[0].flux[0] == 1e-15
    assert len(c.notes) == 1
    # with errors of its own it is a measured flux
    c = read(tmp_path, head + plain + rows + "c,8e-18,7e-18,1e-15,1e-15,1e-15,1e-15\n")
    assert c.rows[-2].flux[0] == 8e-18
    assert c.notes == ()


def test_odd_values(tmp_path: Path) -> None:
    c = read(
        tmp_path,
        "name,ra,dec,obsid,exposure,theta,gti_obs,Fs,e_Fs,Fm,Fh,powlaw_nh\n"
        "a, 11 05 10.5,-00 30 36,99999999999,-5,-1,yesterday,1e300,1e-330,inf,1e-320,-1\n"
        "b,10h,,x7,nan,,2010-01-01T00:00:00Z,1e-15,0,,,\n",
    )
    a, b = c.rows
    assert a.ra == pytest.approx(15 * (11 + 5 / 60 + 10.5 / 3600))
    assert a.dec == pytest.approx(-0.51)
    assert a.obsid == b.obsid == -1
    assert all(math.isnan(v) for v in (a.exposure, a.theta, a.epoch, a.nh, b.ra, b.dec, b.exposure))
    np.testing.assert_array_equal(a.flux, [np.nan, np.nan, 0])
    assert np.isnan(a.flux_error).all()
    assert np.isnan(b.flux_error).all()
    assert b.epoch == 11.0
    assert c.notes == ("1 band fluxes above 1 erg/cm2/s are read as unknown",)


def test_same_from_fits(tmp_path: Path) -> None:
    from astropy.table import Table

    text = "name,class,Fs,e_Fs,Fm,e_Fm,Fh,e_Fh\nJ000230.7+004959,AGN,1e-15,1e-16,2e-15,1e-16,,\n"
    c = read(tmp_path, text)
    Table.read(tmp_path / "table.csv", format="ascii.csv").write(tmp_path / "table.fits")
    f = read_catalog(tmp_path / "table.fits")
    assert f.rows[0].name == c.rows[0].name
    np.testing.assert_array_equal(f.rows[0].flux, c.rows[0].flux)
    assert f.sha256 != c.sha256


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", "empty"),
        ("ra,dec,class\n1,2,AGN\n", "src_cnts_aper_s"),
        ("just some prose, with a comma\nand a second line, too\n", "src_cnts_aper_s"),
        ("name,Fs\n", "no rows"),
        ("name,Fs\n,\n", "1 without name, counts and fluxes"),
        ("name,Fs\na\n", "no rows"),
    ],
)
def test_what_cannot_serve_says_so(tmp_path: Path, text: str, missing: str) -> None:
    with pytest.raises(ChandraEmbedError, match=missing) as raised:
        read(tmp_path, text)
    assert "\n" not in str(raised.value)


@pytest.mark.real
def test_real_tables(chandra_data: Path) -> None:
    tables = sorted((chandra_data / "tables").glob("*.csv*"))
    assert len(tables) == 11
    for table in tables:
        start = time.perf_counter()
        c = read_catalog(table)
        assert time.perf_counter() - start < 10  # about 0.3 s on an idle machine
        assert {row.kind for row in c.rows} <= EIGHT | {""}
        assert all(row.source_id for row in c.rows)


@pytest.mark.real
def test_real_true_classes(chandra_data: Path) -> None:
    c = read_catalog(chandra_data / "tables" / "muwclass_TD.csv")
    assert Counter(row.kind for row in c.rows) == {
        "AGN": 987,
        "YSO": 706,
        "LM-STAR": 139,
        "HM-STAR": 86,
        "NS": 58,
        "LMXB": 45,
        "CV": 37,
        "HMXB": 22,
    }
    flux = np.array([row.flux for row in c.rows])
    np.testing.assert_array_equal((flux == 0).sum(axis=0), [59, 30, 52])
    c = read_catalog(chandra_data / "tables" / "csc2_detections_labelled.csv")
    assert Counter(row.kind for row in c.rows) == {"": 1701, "NS": 747, "LMXB": 741, "CV": 476}
