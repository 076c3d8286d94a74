"""Discovery and fates: everything given is used, a companion, or quarantined, and only once."""

from pathlib import Path

import numpy as np
import ogip
import pytest
from chandra_embed.inference.catalog.discovery import discover
from chandra_embed.inference.catalog.fits import Companions
from chandra_embed.inference.catalog.inputs import Fates, decide, look

GROUPS = np.where(np.arange(ogip.N) % 5 == 0, 1, -1)


def fates(*paths: Path, table: dict[Path, Companions] | None = None) -> Fates:
    named = table or {}
    given = discover(paths).given
    return decide({one: look(one, named.get(one.path.resolve(), Companions()).background) for one in given})


def told(found: Fates) -> dict[str, str]:
    out = {one.label: "used" for one in found.used}
    out |= {one.label: f"companion of {of.label}" for one, (of, _) in found.companions.items()}
    return out | {one.label: error.reason for one, error in found.quarantined.items()}


def test_background_by_backfile_though_it_says_total(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "obs_bg.pi.gz", ogip.counts(2))
    ogip.write_pha(tmp_path / "obs.pi", ogip.counts(1), BACKFILE="obs_bg.pi")
    assert told(fates(tmp_path)) == {"obs.pi": "used", "obs_bg.pi.gz": "companion of obs.pi"}


def test_background_by_name_obsid_and_exposure(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "source1.pi", ogip.counts(1))
    ogip.write_pha(tmp_path / "back1.pi", ogip.counts(2))
    ogip.write_pha(tmp_path / "far" / "back9.pi", ogip.counts(3), OBS_ID="9")
    found = fates(tmp_path)
    assert told(found) == {
        "source1.pi": "used",
        "back1.pi": "companion of source1.pi",
        "far/back9.pi": "orphan-background",
    }
    assert [path.name for path in found.paired.values()] == ["back1.pi"]
    assert "ObsID" in next(why for _, why in found.companions.values())


@pytest.mark.parametrize("other", [{"OBS_ID": "124"}, {"EXPOSURE": 10001.0}])
def test_no_pair_across_observations(tmp_path: Path, other: dict[str, object]) -> None:
    ogip.write_pha(tmp_path / "source.pi", ogip.counts(1))
    ogip.write_pha(tmp_path / "back.pi", ogip.counts(2), **other)
    assert told(fates(tmp_path)) == {"source.pi": "used", "back.pi": "orphan-background"}


def test_several_pairs_in_one_folder_go_by_their_numbers(tmp_path: Path) -> None:
    for i in (1, 2):
        ogip.write_pha(tmp_path / f"src{i}.pi", ogip.counts(i))
        ogip.write_pha(tmp_path / f"bkg{i}.pi", ogip.counts(10 + i))
    found = told(fates(tmp_path))
    assert found["bkg1.pi"] == "companion of src1.pi"
    assert found["bkg2.pi"] == "companion of src2.pi"


def test_one_background_serves_several_sources(tmp_path: Path) -> None:
    for i in (1, 2):
        ogip.write_pha(tmp_path / f"src{i}.pi", ogip.counts(i))
    ogip.write_pha(tmp_path / "bkg.pi", ogip.counts(3))
    found = fates(tmp_path)
    assert sorted(told(found).values()) == ["companion of src1.pi", "used", "used"]
    assert len(found.paired) == 2


def test_a_word_that_only_contains_back_is_no_background(tmp_path: Path) -> None:
    for i, name in enumerate(("feedback.pi", "lbg12.pi", "qso.pi")):
        ogip.write_pha(tmp_path / name, ogip.counts(i))
    assert set(told(fates(tmp_path)).values()) == {"used"}


def test_what_has_a_background_is_none(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "back_quasar.pi", ogip.counts(1), BACKFILE="sky.pi")
    ogip.write_pha(tmp_path / "sky.pi", ogip.counts(2))
    assert told(fates(tmp_path)) == {"back_quasar.pi": "used", "sky.pi": "companion of back_quasar.pi"}


def test_the_twin_with_responses_is_kept(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "grp.pi", ogip.counts(1), grouping=GROUPS, ANCRFILE="a.arf")
    ogip.write_pha(tmp_path / "plain.pi", ogip.counts(1))
    ogip.write_arf(tmp_path / "a.arf")
    found = fates(tmp_path)
    assert told(found) == {"grp.pi": "used", "plain.pi": "companion of grp.pi"}
    assert next(why for _, why in found.companions.values()) == "ungrouped copy, equal counts"


def test_few_equal_counts_are_chance_and_so_are_equal_counts_of_two_backgrounds(tmp_path: Path) -> None:
    faint = np.eye(1, 1024, 100, dtype=np.int32)[0]
    for name in ("s1", "s2"):
        ogip.write_pha(tmp_path / f"{name}.pi", faint)
        ogip.write_pha(tmp_path / f"bright_{name}.pi", ogip.counts(1), BACKFILE=f"{name}_bkg.pi")
    for i, name in enumerate(("s1", "s2")):
        ogip.write_pha(tmp_path / f"{name}_bkg.pi", ogip.counts(5 + i))
    assert list(told(fates(tmp_path)).values()).count("used") == 4


def test_a_background_by_header_alone_is_an_orphan(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "x.pi", ogip.counts(1), HDUCLAS2="BKG")
    assert told(fates(tmp_path)) == {"x.pi": "orphan-background"}


def test_grouped_copies_and_duplicates(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "a_grp.pi", ogip.counts(1), grouping=GROUPS)
    ogip.write_pha(tmp_path / "b.pi", ogip.counts(1))
    ogip.write_pha(tmp_path / "c.pi", ogip.counts(1))
    ogip.write_pha(tmp_path / "d.pi", ogip.counts(2), grouping=GROUPS)
    assert told(fates(tmp_path)) == {
        "a_grp.pi": "companion of b.pi",
        "b.pi": "used",
        "c.pi": "duplicate",
        "d.pi": "used",
    }


def test_equal_counts_of_two_regions_are_two_spectra(tmp_path: Path) -> None:
    faint = np.eye(1, 1024, 100, dtype=np.int32)[0]
    ogip.write_pha(tmp_path / "a.pi", faint, REGIONID="0001")
    ogip.write_pha(tmp_path / "b.pi", faint, REGIONID="0002")
    assert told(fates(tmp_path)) == {"a.pi": "used", "b.pi": "used"}


def test_two_files_naming_each_other(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), BACKFILE="b.pi")
    ogip.write_pha(tmp_path / "b.pi", ogip.counts(2), BACKFILE="a.pi")
    assert told(fates(tmp_path)) == {"a.pi": "used", "b.pi": "companion of a.pi"}


def test_background_of_a_refused_source_is_still_a_companion(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "a.pi", ogip.counts(1), INSTRUME="HRC", BACKFILE="b.pi")
    ogip.write_pha(tmp_path / "b.pi", ogip.counts(2))
    assert told(fates(tmp_path)) == {"a.pi": "hrc", "b.pi": "companion of a.pi"}


def test_background_named_by_a_table(tmp_path: Path) -> None:
    a = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1))
    b = ogip.write_pha(tmp_path / "x.pi", ogip.counts(2))
    found = fates(tmp_path, table={a.resolve(): Companions(background=b)})
    assert told(found) == {"a.pi": "used", "x.pi": "companion of a.pi"}
