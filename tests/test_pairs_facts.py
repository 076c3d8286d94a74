import math

import pytest
from chandra_embed.training.pairs import scales
from chandra_embed.training.pairs.facts import COLUMNS, COMPANIONS, NUMBERED, VALUES, facts_of, subtypes
from chandra_embed.training.pairs.places import galactic_latitude, listing, region

NAN = math.nan
EMPTY = dict.fromkeys(COLUMNS, "") | {"CSCv2_RA": "10", "CSCv2_DEC": "20", "True_Class": "AGN"}
TRUTH = {
    "shape": "powerlaw",
    "population": "type 1",
    "nh": 0.02,
    "nh_total": 0.02,
    "gamma": 1.9,
    "kt": NAN,
    "kt2": NAN,
    "catalog_row": 0,
}


def values(truth, row):
    return {fact.kind: fact.value for fact in facts_of({**TRUTH, **truth}, {**EMPTY, **row})}


@pytest.mark.parametrize(
    ("column", "grade"),
    [(0.001, "none"), (0.03, "slight"), (0.5, "moderate"), (99, "very heavy"), (101, "Compton-thick")],
)
def test_absorption_is_graded_by_the_whole_column(column, grade):
    assert values({"nh_total": column}, {})["absorption"] == grade


def test_a_compton_thick_source_is_one_whatever_its_column():
    assert values({"population": "Compton-thick", "nh_total": 2.0}, {})["absorption"] == "Compton-thick"


def test_a_power_law_has_an_index_and_no_temperature():
    found = values({"gamma": 1.2}, {})
    assert found["index"] == "flat"
    assert not {"plasma", "surface", "hard share"} & set(found)


def test_the_harder_of_two_components_is_the_hotter_one():
    star = {"shape": "thermal+thermal", "kt": 0.3, "kt2": 1.5, "share": 0.9}
    row = {"True_Class": "LM-STAR"}
    assert values(star, row)["hard share"] == "dominant"
    assert values({**star, "kt": 8.0}, row)["hard share"] == "weak"
    assert values({**star, "shape": "blackbody+powerlaw"}, row)["hard share"] == "dominant"


def test_what_the_truth_does_not_hold_is_not_stated():
    found = values({"shape": "thermal+thermal", "kt": 0.3, "kt2": 1.5}, {"True_Class": "LM-STAR"})
    assert not {"hard share", "iron line", "redshift", "variability"} & set(found)
    assert {"plasma", "second plasma"} <= set(found)


def test_the_table_gives_brightness_colours_and_distance():
    star = {"True_Class": "YSO", "Gmag": "13.2", "BPmag": "14.0", "RPmag": "12.0", "Jmag": "11", "Kmag": "10"}
    star |= {
        "W1mag": "9.5",
        "W2mag": "8.9",
        "W3mag": "6.0",
        "Plx": "2.5",
        "e_Plx": "0.1",
        "PM": "3",
        "rgeo": "400",
    }
    found = values({}, star)
    assert found["optical"] == "fairly bright"
    assert found["colour"] == "red"
    assert found["infrared excess"] == "moderate"
    assert (found["distance"], found["motion"], found["parallax"]) == ("modest", "small", "significant")
    assert "no optical" not in found


def test_a_galaxy_has_no_parallax_and_a_missing_counterpart_is_said():
    found = values({}, {"Plx": "0.3", "e_Plx": "0.2", "PM": "1", "rgeo": "2000"})
    assert not {"distance", "motion", "parallax"} & set(found)
    assert found["no optical"] == "yes"


def test_every_value_is_one_that_the_kind_may_have():
    for kind in VALUES["class"]:
        for name in subtypes(kind):
            for fact in facts_of({**TRUTH, "population": name.split("/")[1]}, {**EMPTY, "True_Class": kind}):
                assert fact.value in VALUES.get(fact.kind, subtypes(kind))
    assert set(COMPANIONS) <= {name for kind in VALUES["class"] for name in subtypes(kind)}


@pytest.mark.parametrize("kind", NUMBERED)
@pytest.mark.parametrize("u", [0.0, 0.5, 0.999])
def test_a_wrong_number_lies_in_the_grade_that_is_said(kind, u):
    for name in VALUES[kind]:
        assert NUMBERED[kind].grade(NUMBERED[kind].inside(name, u)) == name


@pytest.mark.parametrize("scale", [s for s in vars(scales).values() if isinstance(s, scales.Scale)])
def test_scales_ascend_and_name_every_interval(scale):
    assert len(scale.names) == len(set(scale.names)) == len(scale.edges) + 1
    assert list(scale.edges) == sorted(set(scale.edges))
    assert scale.grade(NAN) == scale.grade(math.inf) == ""


def test_places():
    assert region(83.82, -5.39) == "the Orion Nebula Cluster"
    assert region(84.1, -6.6) == "the southern Orion A cloud"
    assert region(10.0, 20.0) == region(NAN, NAN) == ""
    assert galactic_latitude(266.405, -28.936) == pytest.approx(0.0, abs=0.01)
    assert galactic_latitude(192.85948, 27.12825) == pytest.approx(90.0, abs=1e-5)
    assert listing("SDSS J10001+0237") == "Sloan"
    assert listing("V* V562 Ori") == "variable"
    assert listing("J0205+6449") == ""
