"""Dumps that the real pg_dump wrote, read back: every compression, every kind of damage."""

import gzip
import random
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import dumps
import psycopg
import pytest

from freehold.core.errors import SourceBroken
from freehold.data.sources.copy_text import lines
from freehold.data.sources.custom import Archive
from freehold.data.sources.opened import open_dump
from freehold.data.sources.plain import PlainDump
from freehold.data.sources.toc import Source
from freehold.testing import database as databases

SEED = 20_261_127
DAMAGED = 500
SCHEMA = """
create table public.notes (id bigint generated always as identity primary key, body text, made timestamptz,
  size integer generated always as (length(body)) stored);
create table public."odd ""name, (x" ("a,b" text, "c""d" int, "from stdin" text);
create table public.nothing ();
create function public.twice(n int) returns int language sql begin atomic select n; select n * 2; end;
create function public.say() returns text language plpgsql as $f$ begin return ';'; -- ; '
end $f$;
insert into public.notes (body, made)
  select repeat('é' || g || E'\\t\\n\\\\', g % 40), '2026-01-01Z'::timestamptz + g * '1 h'::interval
  from generate_series(1, 3000) as g;
insert into public."odd ""name, (x" values
  (E'tab\\there', 1, null), ('\\.', 2, E'line\\nend'), ('', null, E'back\\\\slash');
"""


@pytest.fixture(scope="module")
def source(postgres_server: databases.Server) -> Iterator[str]:
    with databases.empty_database(postgres_server) as empty:
        with psycopg.connect(empty.superuser_dsn) as connection:
            connection.execute(SCHEMA)
        yield empty.superuser_dsn


def rows(opened: Source) -> dict[str, list[bytes]]:
    """All rows as COPY's lines, by table."""
    return {
        entry.name: sorted(
            line
            for part in opened.parts(entry)
            for found in lines(opened.rows(entry, part, opened.columns(entry), "text"))
            for line in found
        )
        for entry in opened.entries()
        if entry.kind == "TABLE DATA"
    }


def truth(dsn: str) -> dict[str, list[bytes]]:
    found = {}
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("set timezone = 'UTC'")
        for table, columns in (
            ("notes", "id, body, made"),
            ('odd "name, (x', '"a,b", "c""d", "from stdin"'),
            ("nothing", ""),
        ):
            quoted = '"' + table.replace('"', '""') + '"'
            with cursor.copy(f"copy (select {columns} from public.{quoted}) to stdout") as copy:
                found[table] = sorted(line for line in b"".join(map(bytes, copy)).split(b"\n") if line)
    return found


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_row_of_many_megabytes_comes_in_small_pieces(
    postgres_server: databases.Server, tmp_path: Path, compression: str
) -> None:
    """Without compression pg_dump writes a row as one chunk, however long it is."""
    with databases.empty_database(postgres_server) as empty:
        with psycopg.connect(empty.superuser_dsn, autocommit=True) as connection:
            connection.execute("create table public.large as select repeat('0123456789abcde ', 5000000) as body")
        opened = Archive.open_file(dumps.custom(empty.superuser_dsn, tmp_path / "x.dump", compression))
        [entry] = [entry for entry in opened.entries() if entry.kind == "TABLE DATA"]
        sizes = [len(piece) for piece in opened.rows(entry, opened.parts(entry)[0], ("body",), "text")]
    assert sum(sizes) == 80_000_001
    assert max(sizes) < 1024 * 1024


@pytest.mark.parametrize("compression", ["none", "gzip", "lz4", "zstd"])
def test_a_dump_of_every_compression_gives_every_row(source: str, tmp_path: Path, compression: str) -> None:
    opened = Archive.open_file(dumps.custom(source, tmp_path / "x.dump", compression))
    assert rows(opened) == truth(source)
    assert compression in opened.described
    assert {entry.kind for entry in opened.entries()} >= {
        "TABLE",
        "FUNCTION",
        "TABLE DATA",
        "SEQUENCE SET",
        "CONSTRAINT",
    }


def test_a_plain_dump_gives_the_same_objects_and_rows(source: str, tmp_path: Path) -> None:
    plain = PlainDump.open_file(dumps.pg_dump(source, tmp_path / "x.sql", "-Fp"))
    custom = Archive.open_file(dumps.custom(source, tmp_path / "x.dump"))
    assert rows(plain) == truth(source)
    wanted = {(entry.kind, entry.schema, entry.name) for entry in custom.entries() if entry.definition or entry.copy}
    settings = {"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE"}
    assert {(entry.kind, entry.schema, entry.name) for entry in plain.entries()} == {
        item for item in wanted if item[0] not in settings
    }


def test_a_plain_dump_without_comments_gives_the_same_rows(source: str, tmp_path: Path) -> None:
    whole = dumps.pg_dump(source, tmp_path / "x.sql", "-Fp").read_text()
    bare = tmp_path / "bare.sql"
    bare.write_text("\n".join(line for line in whole.split("\n") if not line.startswith("--")))
    opened = PlainDump.open_file(bare)
    assert rows(opened) == truth(source)
    kinds = {(entry.kind, entry.schema, entry.name) for entry in opened.entries()}
    assert {
        ("TABLE", "public", "notes"),
        ("CONSTRAINT", "public", "notes notes_pkey"),
        ("FUNCTION", "public", "twice"),
    } <= kinds
    assert "STATEMENT" not in {kind for kind, _, _ in kinds}


@pytest.mark.parametrize("packing", ["zip", "gz", "zip of sql"])
def test_a_packed_export_is_unpacked_and_read(source: str, tmp_path: Path, packing: str) -> None:
    dump = dumps.custom(source, tmp_path / "project.dump", "zstd")
    packed = tmp_path / "database_export.zip"
    if packing == "gz":
        packed = tmp_path / "project.dump.gz"
        with dump.open("rb") as plain, gzip.open(packed, "wb") as file:
            shutil.copyfileobj(plain, file)
    else:
        member = dump if packing == "zip" else dumps.pg_dump(source, tmp_path / "project.sql", "-Fp")
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
            file.write(member, f"../../{member.name}")
    with open_dump(packed) as opened:
        assert rows(opened) == truth(source)


def test_a_zip_without_a_dump_says_what_it_holds_and_one_without_an_ending_is_read(source: str, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("app/package.json", "{}")
        file.writestr("app/readme", "begin;")
    with pytest.raises(SourceBroken, match="holds no dump of a database") as refused, open_dump(path):
        pass
    assert "app/package.json" in refused.value.detail
    for made in (dumps.custom(source, tmp_path / "x.dump"), dumps.pg_dump(source, tmp_path / "x.sql", "-Fp")):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("app/package.json", "{}" * 1_000_000)
            file.write(made, "database export of today")
        with open_dump(path) as opened:
            assert rows(opened) == truth(source)
            assert opened.described.startswith("x.zip (")


def test_a_zip_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file, file.open("x.sql", "w", force_zip64=True) as member:
        for _ in range(80):
            member.write(bytes(1024 * 1024))
    with pytest.raises(SourceBroken, match="unpacks to more than"), open_dump(bomb):
        pass


@pytest.mark.parametrize("content", [b"", b"PGDMP", b"hello", b"\0\1\2", b"PK\x03\x04rest", b"\x1f\x8brest"])
def test_what_is_no_dump_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.dump"
    path.write_bytes(content)
    with pytest.raises(SourceBroken) as refused, open_dump(path):
        pass
    assert refused.value.message


def test_rows_as_inserts_are_refused_by_name(source: str, tmp_path: Path) -> None:
    with pytest.raises(SourceBroken, match="INSERT"):
        PlainDump.open_file(dumps.pg_dump(source, tmp_path / "x.sql", "-Fp", "--inserts"))
    opened = Archive.open_file(dumps.pg_dump(source, tmp_path / "x.dump", "-Fc", "--inserts"))
    with pytest.raises(SourceBroken, match="INSERT"):
        rows(opened)


@pytest.mark.parametrize("compression", ["none", "gzip", "lz4", "zstd", "zip"])
def test_a_damaged_dump_never_passes_for_a_whole_one(source: str, tmp_path: Path, compression: str) -> None:
    """Cut off anywhere it is an error. A turned bit is one too where the form has checksums: gzip, and any zip.

    pg_dump writes its own none, lz4 and zstd without checksums: there a bit may turn into another text unseen.
    """
    path = tmp_path / "x.dump"
    dumps.custom(source, path, "zstd" if compression == "zip" else compression)
    if compression == "zip":
        with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as file:
            file.write(path, "x.dump")
        path = tmp_path / "x.zip"
    whole = path.read_bytes()
    wanted = truth(source)
    chance = random.Random(SEED)
    for number in range(DAMAGED // 5):
        cut = number % 2 == 0
        place = chance.randrange(len(whole))
        turned = bytes([whole[place] ^ (1 << chance.randrange(8))])
        path.write_bytes(whole[:place] if cut else whole[:place] + turned + whole[place + 1 :])
        try:
            with open_dump(path) as opened:
                found = rows(opened)
        except SourceBroken as error:
            assert error.message  # noqa: PT017 - both outcomes are right
            continue
        assert not cut, place
        if compression in ("gzip", "zip"):
            assert found == wanted or len(found) != len(wanted), place


def test_a_zip_whose_list_points_nowhere_is_refused(tmp_path: Path) -> None:
    """Found by turning bits: the standard library seeks to a negative place."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("x.sql", "select 1;")
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x05\x06") + 16
    data[start : start + 4] = (int.from_bytes(data[start : start + 4], "little") + 60).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(SourceBroken, match="cannot be unpacked"), open_dump(path):
        pass


@pytest.mark.parametrize(
    ("form", "doubt"),
    [
        ("none", "no checksum (none, "),
        ("zstd", "no checksum (zstd, "),
        ("lz4", "no checksum (lz4, "),
        ("gzip", "checksums for its rows, and none for its definitions"),
        ("zip", ""),
        ("sql", "a plain SQL dump carries no checksum"),
    ],
)
def test_what_no_checksum_covers_is_said(source: str, tmp_path: Path, form: str, doubt: str) -> None:
    if form == "sql":
        path = dumps.pg_dump(source, tmp_path / "x.sql", "-Fp")
    else:
        path = dumps.custom(source, tmp_path / "x.dump", "zstd" if form == "zip" else form)
    if form == "zip":
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
            file.write(path, "x.dump")
        path = tmp_path / "x.zip"
    with open_dump(path) as opened:
        assert doubt in opened.doubt
        assert bool(doubt) == bool(opened.doubt)


@pytest.mark.parametrize("form", ["zstd", "lz4"])
def test_a_checksum_that_is_there_is_held_against_the_rows(source: str, tmp_path: Path, form: str) -> None:
    """Whoever packs with checksums gets them checked: no turned bit in any row passes."""
    plain = dumps.custom(source, tmp_path / "x.dump").read_bytes()
    path = tmp_path / "sealed.dump"
    whole = dumps.repacked(plain, f"{form} sealed")
    path.write_bytes(whole)
    with open_dump(path) as opened:
        assert "checksums for its rows" in opened.doubt
        assert rows(opened) == truth(source)
    chance = random.Random(SEED)
    start = whole.index((b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")[form == "lz4"])
    for _ in range(60):
        place = chance.randrange(start, len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :])
        try:
            with open_dump(path) as opened:
                assert rows(opened) == truth(source), place
        except SourceBroken:
            continue


def test_a_plain_dump_that_was_cut_between_two_statements_is_refused(source: str, tmp_path: Path) -> None:
    path = dumps.pg_dump(source, tmp_path / "x.sql", "-Fp")
    text = path.read_text()
    path.write_text(text[: text.index("ALTER TABLE ONLY public.notes")])
    with pytest.raises(SourceBroken, match="was cut off"), open_dump(path):
        pass
