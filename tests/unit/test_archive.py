"""Zips that strangers made."""

import stat
import zipfile
from pathlib import Path

import pytest

from freehold.core.errors import BadArchive
from freehold.kit.archive import Limits, unpack


def _zip(folder: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = folder / "app.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def _special(name: str, kind: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (kind | 0o777) << 16
    return entry


def _refuse(archive: Path, destination: Path, limits: Limits | None = None) -> BadArchive:
    destination.mkdir(exist_ok=True)
    with pytest.raises(BadArchive) as caught:
        unpack(archive, destination, limits or Limits())
    assert caught.value.hint
    return caught.value


def test_a_single_top_folder_is_unwrapped(tmp_path: Path) -> None:
    archive = _zip(tmp_path, ("my-app/package.json", b"{}"), ("my-app/src/a.ts", b"a"), ("__MACOSX/x", b""))
    root = unpack(archive, tmp_path / "out")
    assert root == tmp_path / "out/my-app"
    assert (root / "src/a.ts").read_bytes() == b"a"


def test_files_at_the_top_stay_where_they_are(tmp_path: Path) -> None:
    archive = _zip(tmp_path, ("package.json", b"{}"), ("src/a.ts", b"a"))
    assert unpack(archive, tmp_path / "out") == tmp_path / "out"


@pytest.mark.parametrize("name", ["../out.ts", "a/../../b", "/etc/cron.d/x", "C:/x", "..\\x", "a\\..\\..\\x"])
def test_nothing_is_written_outside_the_folder(tmp_path: Path, name: str) -> None:
    error = _refuse(_zip(tmp_path, (name, b"x")), tmp_path / "out")
    assert "outside" in error.message
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.zip", "out"]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_links_devices_and_pipes_are_refused(tmp_path: Path, kind: int) -> None:
    error = _refuse(_zip(tmp_path, (_special("src/link", kind), b"/etc/passwd")), tmp_path / "out")
    assert "src/link" in error.detail


def test_names_that_differ_in_case_or_accents_only_are_refused(tmp_path: Path) -> None:
    assert "case" in _refuse(_zip(tmp_path, ("a/App.tsx", b""), ("a/app.tsx", b"")), tmp_path / "out").message
    assert "case" in _refuse(_zip(tmp_path, ("caf\u00e9", b""), ("cafe\u0301", b"")), tmp_path / "out").message


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    assert "twice" in _refuse(_zip(tmp_path, ("a.ts", b"1"), ("a.ts", b"2")), tmp_path / "out").message


def test_a_name_cannot_be_file_and_folder(tmp_path: Path) -> None:
    assert "folder" in _refuse(_zip(tmp_path, ("a", b"1"), ("a/b", b"2")), tmp_path / "out").message


def test_a_bomb_is_refused_by_ratio_by_size_and_by_count(tmp_path: Path) -> None:
    bomb = _zip(tmp_path, ("zeros", b"\0" * 4_000_000))
    assert "times" in _refuse(bomb, tmp_path / "out", Limits(ratio=100, ratio_floor_bytes=1000)).detail
    assert "limit" in _refuse(bomb, tmp_path / "out2", Limits(total_bytes=1000)).detail
    assert "larger" in _refuse(bomb, tmp_path / "out3", Limits(file_bytes=1000)).detail
    many = _zip(tmp_path, *((f"f{number}", b"") for number in range(5)))
    assert "5 files" in _refuse(many, tmp_path / "out4", Limits(files=4)).message


def test_a_size_that_the_header_hides_is_counted_while_unpacking(tmp_path: Path) -> None:
    archive = _zip(tmp_path, ("zeros", b"\0" * 4_000_000))
    content = bytearray(archive.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = content.index(mark) + offset
        content[place : place + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(content)
    _refuse(archive, tmp_path / "out", Limits(total_bytes=1000, file_bytes=1000))
    written = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert written <= 1000


def test_broken_archives_are_refused_with_a_hint(tmp_path: Path) -> None:
    whole = _zip(tmp_path, ("src/a.ts", b"text" * 1000)).read_bytes()
    for number, content in enumerate(
        (b"", b"no zip", whole[: len(whole) // 2], whole[:40] + b"\xff" * 10 + whole[50:])
    ):
        broken = tmp_path / f"broken{number}.zip"
        broken.write_bytes(content)
        _refuse(broken, tmp_path / f"out{number}")


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    archive = _zip(tmp_path, ("a", b"x"))
    content = bytearray(archive.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.index(mark) + offset] |= 1
    archive.write_bytes(content)
    assert "encrypted" in _refuse(archive, tmp_path / "out").message
