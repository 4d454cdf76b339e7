"""Files that records point at on the builder's hosts: fetched, kept, and their links rewritten."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from base44_world import kinds
from loopback import Quiet, serving

from freehold.core.secret import Secret
from freehold.data import entities
from freehold.data.move.destination import StoredFiles
from freehold.data.records.files import FileMover, MovedFiles
from freehold.data.records.links import BUCKET, HOSTS, link_of, name_of
from freehold.kit import postgres
from freehold.kit.objects.folder import FolderStore
from freehold.kit.objects.store import object_key
from freehold.testing.database import FreshDatabase

NOTE = {
    "name": "Note",
    "type": "object",
    "properties": {"text": {"type": "string"}, "pictures": {"type": "array"}, "n": {"type": "number"}},
}
MOMENT = "2026-01-01T00:00:00.000Z"
LARGEST = 2000


@pytest.fixture
def store() -> Iterator["Store"]:
    found = Store()
    with serving(found.handler) as origin:
        found.url = f"{origin}/public"
        yield found


class Store:
    """A stand-in for the builder's host: `asked` counts by path."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.url = ""
        store = self

        class Handler(Quiet):
            def do_GET(self) -> None:  # noqa: N802 - the library's name
                times = store.asked[self.path] = store.asked.get(self.path, 0) + 1
                name = self.path.rpartition("/")[2]
                if name == "gone.png":
                    return self.answer(404, b"")
                if name == "shaky.png" and times == 1:
                    return self.answer(503, b"")
                if name == "away.png":
                    return self.answer(302, b"", ("location", "http://127.0.0.1:9/secret"))
                if name == "huge.bin":
                    return self.answer(200, b"x" * (LARGEST + 1))
                if name == "cut.bin":
                    return self.answer(200, b"half", ("content-length", "8"))
                return self.answer(200, f"bytes of {self.path}".encode(), ("content-type", "image/png"))

        self.handler = Handler


def test_files_come_along_and_links_lead_to_them(database: FreshDatabase, store: Store, tmp_path: Path) -> None:
    at = store.url
    fine, other, shaky = f"{at}/a/photo one.png".replace(" ", "%20"), f"{at}/b/photo.png", f"{at}/shaky.png"
    bad = [f"{at}/{name}" for name in ("away.png", "huge.bin", "cut.bin")]
    _make(database)
    _insert(database, "a", text=f"see {fine} and <img src='{other}'>.", pictures=[{"url": shaky}, f"{at}/gone.png"])
    _insert(database, "b", text="none", pictures=bad, _more={"deep": {"link": other, "n": 1}})
    _insert(database, "c", text="https://example.com/photo.png")
    objects = FolderStore(tmp_path)
    done = _moved(database, store, objects)
    assert (done.found, done.moved, done.records) == (7, 3, 2)
    assert list(done.gone) == [f"{at}/gone.png"]
    assert sorted(done.failed) == sorted(bad)
    assert "not the builder's" in done.failed[f"{at}/away.png"]
    found = {
        row[0]: row[1:]
        for row in _rows(database, 'select id, text, pictures, _more, updated_date from entities."Note"')
    }
    assert found["a"][0] == f"see {link_of(fine)} and <img src='{link_of(other)}'>."
    assert found["a"][1] == [{"url": link_of(shaky)}, f"{at}/gone.png"]
    assert found["b"] == ("none", bad, {"deep": {"link": link_of(other), "n": 1}}, MOMENT)
    assert found["c"][0] == "https://example.com/photo.png"
    kept = _rows(
        database, "select name, version, metadata ->> 'mimetype' from storage.objects where bucket_id = %s", BUCKET
    )
    assert {row[0] for row in kept} == {name_of(item) for item in (fine, other, shaky)}
    assert {row[2] for row in kept} == {"image/png"}
    assert asyncio.run(_content(objects, kept, name_of(other))) == b"bytes of /public/b/photo.png"

    _insert(database, "d", text=fine)
    again = _moved(database, store, objects)
    assert (again.records, store.asked["/public/a/photo%20one.png"]) == (1, 1)
    assert _rows(database, "select count(*) from base44.change") == [(4,)]  # the four that the test made, no rewrite


def test_a_link_that_begins_like_a_moved_one_stays(database: FreshDatabase, store: Store, tmp_path: Path) -> None:
    short, gone = f"{store.url}/gone", f"{store.url}/gone.png"
    _make(database)
    _insert(database, "a", text=f"{gone} {short}")
    done = _moved(database, store, FolderStore(tmp_path))
    assert (done.moved, list(done.gone)) == (1, [gone])
    assert _rows(database, 'select text from entities."Note"') == [(f"{gone} {link_of(short)}",)]


def test_the_builders_hosts_are_known_and_no_others() -> None:
    known = re.compile("|".join(HOSTS))
    app = "0123456789abcdef01234567"
    for address in (
        f"https://media.base44.com/images/public/{app}/x.png",
        f"https://qtrypzzcjebvfcihiynt.supabase.co/storage/v1/object/public/base44-prod/public/{app}/x.png",
        f"https://base44.app/api/apps/{app}/files/public/{app}/x.png",
        f"https://app.base44.com/api/apps/{app}/files/x.png",
    ):
        assert known.match(address), address
    for address in ("https://media.base44.com.evil.example/x", "http://media.base44.com/x", "https://base44.app/login"):
        assert not known.match(address), address


def _make(database: FreshDatabase) -> None:
    entities.apply(kinds({"Note": NOTE}), owner_dsn=Secret(database.owner_dsn), report=lambda _: None)


def _moved(database: FreshDatabase, store: Store, objects: FolderStore) -> MovedFiles:
    with postgres.connect(Secret(database.superuser_dsn)) as admin:
        return FileMover(
            admin=admin,
            place=StoredFiles(objects),
            entities=["Note"],
            report=lambda _: None,
            hosts=(re.escape(store.url) + "/",),
            largest_bytes=LARGEST,
        ).move()


async def _content(objects: FolderStore, kept: list[tuple[str, ...]], name: str) -> bytes:
    (version,) = (row[1] for row in kept if row[0] == name)
    found = await objects.open(object_key(BUCKET, name, version))
    content = b"".join([piece async for piece in found.read(0, found.size)])
    await found.close()
    return content


def _insert(database: FreshDatabase, identity: str, **values: object) -> None:
    row = {"id": identity, "created_date": MOMENT, "updated_date": MOMENT, "is_sample": False, "_more": {}, **values}
    query = 'insert into entities."Note" select * from jsonb_populate_record(null::entities."Note", %s)'
    _rows(database, query, json.dumps(row))


def _rows(database: FreshDatabase, statement: str, *values: object) -> list[tuple[object, ...]]:  # type: ignore[type-arg]
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        cursor = connection.execute(statement, values)  # type: ignore[arg-type]
        return cursor.fetchall() if cursor.description else []
