"""Tar files: members are inputs of their own, none is written elsewhere, and none is without measure."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import ogip
import pytest
from chandra_embed.inference.catalog import archives
from chandra_embed.inference.catalog.archives import unpack
from chandra_embed.inference.catalog.ingest import Summary, ingest
from chandra_embed.inference.errors import ChandraEmbedError
from chandra_embed.inference.recipe import Recipe

STEM = "acisf00123_001N020_r0043"


def go_on() -> None:
    """Nobody asks to stop."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A spectrum of the catalog with its responses, by name."""
    folder = tmp_path_factory.mktemp("made")
    names = {"RESPFILE": f"{STEM}_rmf3.fits", "ANCRFILE": f"{STEM}_arf3.fits"}
    ogip.write_pha(folder / f"{STEM}_pha3.fits", ogip.counts(1), ogip.counts(2), **names)
    ogip.write_arf(folder / f"{STEM}_arf3.fits")
    ogip.write_rmf(folder / f"{STEM}_rmf3.fits")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def pack(path: Path, members: dict[str, bytes | tarfile.TarInfo]) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in members.items():
            if isinstance(content, tarfile.TarInfo):
                archive.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def run(tmp_path: Path, *paths: Path) -> Summary:
    summary = ingest(paths, tmp_path / "out.h5", Recipe(), jobs=1)
    assert summary.used + summary.companions + summary.quarantined == summary.given
    assert sorted(p.name for p in tmp_path.iterdir() if "out" in p.name) == ["out.h5"]
    return summary


@pytest.mark.parametrize("name", ["csc.tar", "csc.tar.gz", "csc.TGZ"])
def test_members_with_their_responses(tmp_path: Path, made: dict[str, bytes], name: str) -> None:
    (tmp_path / "in").mkdir()
    packed = {f"pkg/{member}.gz": gzip.compress(content) for member, content in made.items()}
    pack(tmp_path / "in" / name, {**packed, "pkg/README": b"text"})
    summary = run(tmp_path, tmp_path / "in")
    assert (summary.given, summary.used) == (1, 1)
    assert summary.without == {"background": 0, "arf": 0, "rmf": 0}
    assert [p.name for p in (tmp_path / "in").iterdir()] == [name]


def test_responses_in_folders_of_their_own_are_found_by_name(tmp_path: Path, made: dict[str, bytes]) -> None:
    for name, content in made.items():
        folder = tmp_path / "in" / name[-9:-6]
        folder.mkdir(parents=True)
        (folder / name).write_bytes(content)
    assert run(tmp_path, tmp_path / "in").without == {"background": 0, "arf": 0, "rmf": 0}


def link(name: str, to: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, to
    return info


def test_members_that_lead_out_are_refused(tmp_path: Path, made: dict[str, bytes]) -> None:
    spectrum = made[f"{STEM}_pha3.fits"]
    bad: dict[str, bytes | tarfile.TarInfo] = {
        "../outside.pi": spectrum,
        "/tmp/absolute.pi": spectrum,
        "a/../../b.pi": spectrum,
        "link.pi": link("link.pi", "/etc/passwd"),
        "inner.tar": b"x",
        "good.pi": spectrum,
        "good.pi/below.pi": spectrum,
        "n" * 300 + ".pi": spectrum,
        "link": link("link", "/etc"),
    }
    pack(tmp_path / "bad.tar", bad)
    summary = run(tmp_path, tmp_path / "bad.tar")
    assert (summary.given, summary.used, summary.quarantined) == (8, 1, 7)
    assert {reason.split(":")[0] for _, reason in summary.quarantine} == {"bad-member"}
    assert not (tmp_path / "outside.pi").exists()
    assert not Path("/tmp/absolute.pi").exists()


BROKEN: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "cut within a member": (0, lambda raw: raw[:20_000]),
    "cut between members": (1, lambda raw: raw[: raw.rindex(b"b.pi")]),
    "a header torn": (1, lambda raw: raw[: raw.rindex(b"b.pi")] + b"\xff" * 600),
    "no archive at all": (0, lambda raw: b"text" * 1000),
    "nothing in it": (0, lambda raw: bytes(10240)),
    "no bytes": (0, lambda raw: b""),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_archive_is_said_and_what_was_read_is_used(
    tmp_path: Path, made: dict[str, bytes], what: str
) -> None:
    used, change = BROKEN[what]
    spectrum = made[f"{STEM}_pha3.fits"]
    path = pack(tmp_path / "a.tar", {"a.pi": spectrum, "b.pi": spectrum})
    path.write_bytes(change(path.read_bytes()))
    summary = run(tmp_path, path)
    assert dict(summary.quarantine)["a.tar"].startswith("bad-archive: ")
    assert summary.used == used


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "SMALL", 1 << 20)
    header = ogip.write_pha(tmp_path / "a.pi", ogip.counts(1)).read_bytes()[:2880]
    big = pack(tmp_path / "big.tgz", {"a.pi": header + bytes(8 << 20)})
    name = tarfile.TarInfo("x")
    name.type, name.size = tarfile.XHDTYPE, 1 << 30
    many = pack(tmp_path / "many.tgz", {f"{i}": b"" for i in range(2000)})
    monkeypatch.setattr(archives, "MOST_MEMBERS", 100)
    for path, said in (
        (big, "it declares"),
        (many, "members"),
        (pack(tmp_path / "name.tar", {"x": name}), "name"),
    ):
        (_, problem), *_ = unpack(path, tmp_path / "to", go_on).refused
        assert problem.reason == "bad-archive"
        assert said in problem.detail
    assert sum(p.stat().st_size for p in (tmp_path / "to").rglob("*") if p.is_file()) < 1 << 20


def test_what_is_laid_out_is_not_written_again(tmp_path: Path, made: dict[str, bytes]) -> None:
    path = pack(tmp_path / "a.tar", {f"{i}.pi": made[f"{STEM}_pha3.fits"] for i in range(3)})
    calls = []

    def stop_at_the_third() -> None:
        calls.append(1)
        if len(calls) == 3:
            raise ChandraEmbedError("stopped")

    with pytest.raises(ChandraEmbedError, match="stopped"):
        unpack(path, tmp_path / "to", stop_at_the_third)
    before = {p: p.stat().st_ino for p in (tmp_path / "to").rglob("*.pi")}
    assert len(before) == 2
    made_again = unpack(path, tmp_path / "to", go_on)
    after = {p: p.stat().st_ino for p in made_again.folder.iterdir()}
    assert len(after) == 3
    assert before.items() <= after.items()
    path.write_bytes(path.read_bytes())
    assert unpack(path, tmp_path / "to", go_on).folder != made_again.folder
