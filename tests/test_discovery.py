"""What is given: files by name, and what lies in directories, each once and under a name of its own."""

import os
from pathlib import Path

import ogip
import pytest
from chandra_embed.inference.catalog.discovery import discover, found_responses
from chandra_embed.inference.errors import ChandraEmbedError


def test_what_a_directory_gives(tmp_path: Path) -> None:
    for name in ("a.pi", "b.PHA", "sub/c_pha3.fits", "sub/deep/d.pi.gz", "odd.fits", "back.bg"):
        ogip.write_pha(tmp_path / name, ogip.counts(1))
    ogip.write_arf(tmp_path / "a.arf")
    ogip.write_rmf(tmp_path / "a.rmf")
    (tmp_path / "notes.txt").write_text("SIMPLE  = as a text file")
    (tmp_path / "broken.pi").write_text("broken")
    (tmp_path / "folder.pi").mkdir()
    (tmp_path / "dangling.pi").symlink_to(tmp_path / "nowhere")
    labels = {one.label for one in discover([tmp_path]).given}
    assert labels == {
        "a.pi",
        "b.PHA",
        "sub/c_pha3.fits",
        "sub/deep/d.pi.gz",
        "odd.fits",
        "back.bg",
        "broken.pi",
        "dangling.pi",
    }


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    ogip.write_pha(tmp_path / "far" / "a.pi", ogip.counts(1))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "loop").symlink_to(tmp_path / "in")
    assert [one.label for one in discover([tmp_path / "in"]).given] == ["link/a.pi"]


def test_names_take_as_much_of_the_path_as_tells_them_apart(tmp_path: Path) -> None:
    for folder in ("a/x", "b/x"):
        ogip.write_pha(tmp_path / folder / "s.pi", ogip.counts(1))
    assert [one.label for one in discover([tmp_path / "a/x", tmp_path / "b/x"]).given] == [
        "a/x/s.pi",
        "b/x/s.pi",
    ]


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.pi")
    ogip.write_pha(tmp_path / "plain.pi", ogip.counts(1)).rename(tmp_path / name)
    assert [one.label for one in discover([tmp_path]).given] == ["caf\\xe9.pi"]


def test_a_file_reached_twice_counts_once_and_equal_names_are_told_apart(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        ogip.write_pha(tmp_path / folder / "a.pi", ogip.counts(1))
    found = discover([tmp_path / "one", tmp_path / "one" / "a.pi", tmp_path / "two"]).given
    assert [one.label for one in found] == ["one/a.pi", "two/a.pi"]


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ChandraEmbedError, match="no such file"):
        discover([tmp_path / "nowhere"])


def test_a_loop_of_links_is_an_input_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.pi").symlink_to("a.pi")
    assert [one.label for one in discover([tmp_path]).given] == ["a.pi"]
    assert [one.label for one in discover([tmp_path / "a.pi"]).given] == ["a.pi"]


def test_names_on_one_line_and_each_for_one_file(tmp_path: Path) -> None:
    for name in ("a\nb.pi", "a\\nb.pi"):
        ogip.write_pha(tmp_path / "x.pi", ogip.counts(1)).rename(tmp_path / name)
    labels = [one.label for one in discover([tmp_path]).given]
    assert len(set(labels)) == 2
    assert not any("\n" in label for label in labels)


def test_responses_are_not_opened_to_be_found(tmp_path: Path) -> None:
    for name in ("a.arf", "b.rmf.gz", "acisf00123_001N020_r0043_arf3.fits", "c_rmf.fits", "d.warf"):
        os.mkfifo(tmp_path / name)  # who opens it waits for ever
    assert discover([tmp_path]).given == []


def test_responses_of_the_catalog_by_name(tmp_path: Path) -> None:
    stem = "acisf00123_001N020_r0043"
    ogip.write_pha(tmp_path / "spectrum" / f"{stem}_pha3.fits", ogip.counts(1))
    ogip.write_arf(tmp_path / f"{stem}_arf3.fits")
    (tmp_path / "rmf").mkdir()
    ogip.write_rmf(tmp_path / "rmf" / f"{stem}_rmf3.fits.gz")
    found = discover([tmp_path])
    (spectrum,) = found.given
    arf, rmf = found_responses(spectrum, found.responses)
    assert (arf, rmf) == (tmp_path / f"{stem}_arf3.fits", tmp_path / "rmf" / f"{stem}_rmf3.fits.gz")
    ogip.write_arf(tmp_path / "rmf" / f"{stem}_arf3.fits")  # which of the two?
    found = discover([tmp_path])
    assert found_responses(spectrum, found.responses) == (None, rmf)
    ogip.write_rmf(tmp_path / "spectrum" / f"{stem}_rmf3.fits")  # beside it: as the header says
    found = discover([tmp_path])
    assert found_responses(spectrum, found.responses) == (None, None)
