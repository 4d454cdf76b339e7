"""Records of a Base44 app by its API: a stand-in that limits, cuts, repeats, breaks off and changes as it is read."""

import html
import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from base44_world import base44_world
from loopback import Quiet, serving

from freehold.core.errors import MoveFailed, MoveRefused, SourceBroken
from freehold.core.inventory import RecordKind
from freehold.core.secret import Secret
from freehold.data import entities
from freehold.data.move import ledger
from freehold.data.move.destination import Destination, StoredFiles
from freehold.data.move.verify import Verified
from freehold.data.records import run as records
from freehold.data.records.api import Api
from freehold.data.records.copy import Moved, Target, move_entity
from freehold.data.records.exports import Exports
from freehold.data.records.people import move_people
from freehold.data.records.verify import verify
from freehold.kit import postgres
from freehold.kit.objects.folder import FolderStore
from freehold.platform.entities.schema import Entity, read_entity
from freehold.testing.database import FreshDatabase

APP = "0123456789abcdef01234567"
OWN = {"data.owner": "{{user.email}}"}
SCHEMA: dict[str, Any] = {
    "name": "Task",
    "type": "object",
    "properties": {"title": {"type": "string"}, "n": {"type": "number"}, "owner": {"type": "string"}},
    "rls": {"create": OWN, "read": OWN, "update": OWN, "delete": OWN},
}
CUT = 5000
PEOPLE = [
    {"id": "a" * 24, "email": "Ann@example.com", "full_name": "Ann", "role": "admin", "theme": "dark", "app_id": APP},
    {"id": "b" * 24, "email": "ben@example.com", "full_name": None},
]


class StandIn:
    """The API's behaviour: `records` are its truth; what goes wrong is drawn by `chance`."""

    def __init__(self, count: int) -> None:
        self.chance = random.Random(44)
        self.records = {f"{n:024x}": self._record(n) for n in range(count)}
        self.people: list[dict[str, Any]] = []
        self.asked = self.refused = self.deleted = self.added = 0
        self.faults = True
        self.broken = False
        self.moves_while_read = 0

    def _record(self, n: int) -> dict[str, Any]:
        moment = f"2026-01-{1 + n // 1000:02d}T{n // 60 % 24:02d}:{n % 60:02d}:00.{n % 1000000:06d}"
        record: dict[str, Any] = {"id": f"{n:024x}", "created_date": moment, "updated_date": moment, "title": f"t{n}"}
        record |= {"created_by": "ann@example.com", "is_sample": False, "drift": {"n": [n, None]}}
        if n % 7:
            record["n"] = n if n % 97 else f"{n} pieces"
        if n % 5 == 0:
            record["owner"] = None
        return record

    def is_over(self) -> bool:
        """Whether one request more is too many; benchmarks/base44_move.py has the real limit."""
        return False

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        """Offsets behind the cursor, so that pages move when records come and go; a list ends at 5,000 in silence."""
        since = json.loads(query.get("q", "{}")).get("created_date", {}).get("$gte", "")
        found = sorted(
            (r for r in self.records.values() if r["created_date"] >= since), key=lambda r: r["created_date"]
        )
        start, limit = int(query.get("cursor") or 0), int(query["limit"])
        items = found[:CUT][start : start + limit]
        if self.faults and start and self.chance.random() < 0.3:
            items = [*found[max(0, start - 3) : start], *items]
        self._change()
        more = start + limit < min(CUT, len(found))
        if fields := query.get("fields"):
            items = [{name: item[name] for name in fields.split(",") if name in item} for item in items]
        return {"items": items, "next_cursor": str(start + limit) if more else None, "has_more": more}

    def _change(self) -> None:
        if self.moves_while_read <= 0:
            return
        self.moves_while_read -= 1
        for identity in self.chance.sample(sorted(self.records), 3):
            del self.records[identity]
            self.deleted += 1
        new = self._record(len(self.records) + 100_000 + self.added)
        self.records[new["id"]] = new
        changed = self.records[self.chance.choice(sorted(self.records))]
        changed |= {"title": "changed", "updated_date": "2026-12-31T00:00:00.000000"}
        self.added += 1


@contextmanager
def served(stand_in: StandIn) -> Iterator[str]:  # noqa: C901 - everything that goes wrong is here
    class Handler(Quiet):
        def do_GET(self) -> None:  # noqa: N802, PLR0911 - the library's name; one line a fault
            stand_in.asked += 1
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            luck = stand_in.chance.random()
            if self.headers.get("api_key") != "b44k_right":
                return self._answer(401, {})
            if stand_in.is_over():
                return self._answer(429, {})
            if stand_in.broken:
                return self._answer(503, {})
            if stand_in.faults and luck < 0.06:
                stand_in.refused += 1
                return self._answer(429, {}, ("retry-after", "1"))
            if stand_in.faults and luck < 0.1:
                return self._answer(502, {})
            if stand_in.faults and luck < 0.12:
                self.connection.close()
                return None
            name = parts.path.partition("/entities/")[2].split("/")
            if name[0] == "User":
                return self._answer(200, {"items": stand_in.people, "has_more": False, "next_cursor": None})
            if name[1:] == ["v2", "list"]:
                return self._answer(200, stand_in.page(query))
            if name[1:] == ["count"]:
                return self._answer(200, {"count": len(stand_in.records)})
            record = stand_in.records.get(name[1])
            return self._answer(200, record) if record else self._answer(404, {})

        def _answer(self, status: int, value: Any, *headers: tuple[str, str]) -> None:
            self.answer(status, json.dumps(value).encode(), *headers)

    with serving(Handler) as url:
        yield url


def made(database: FreshDatabase, **more: Any) -> Entity:
    kind = RecordKind(name="Task", kind="entity", schema=SCHEMA | more)
    entities.apply([kind], owner_dsn=Secret(database.owner_dsn), report=lambda _: None)
    return read_entity("Task", SCHEMA | more)


def api(url: str, waited: list[float] | None = None) -> Api:
    waits = waited if waited is not None else []
    return Api(url, APP, Secret("b44k_right"), requests_a_minute=10_000, wait=waits.append)


def moved(database: FreshDatabase, source: Any, entity: Entity) -> Moved:
    with postgres.connect(Secret(database.owner_dsn)) as connection:
        return move_entity(connection, source, entity, lambda _: None)


def test_nothing_is_lost_or_doubled_while_the_source_limits_cuts_repeats_and_changes(database: FreshDatabase) -> None:
    entity, stand_in = made(database), StandIn(12_345)
    stand_in.moves_while_read = 40
    with served(stand_in) as url:
        found = moved(database, api(url), entity)
    with psycopg.connect(database.superuser_dsn) as connection:
        rows = connection.execute('select id, updated_date, title, _more from entities."Task"').fetchall()
    assert stand_in.deleted > 50
    assert stand_in.refused > 0
    assert (found.missing, found.extra) == ([], [])
    assert len(rows) == len(stand_in.records) == found.here
    assert {row[0]: (row[1], row[2]) for row in rows} == {
        key: (record["updated_date"], record["title"]) for key, record in stand_in.records.items()
    }
    assert all(row[3]["drift"] == stand_in.records[row[0]]["drift"] for row in rows)


def test_a_value_of_another_type_widens_its_column_and_rules_stay(database: FreshDatabase) -> None:
    entity, stand_in = made(database), StandIn(200)
    stand_in.faults = False
    for record in list(stand_in.records.values())[:3]:
        record["owner"] = 5
    with served(stand_in) as url:
        found = moved(database, api(url), entity)
    assert found.loose == ("n", "owner")
    with psycopg.connect(database.superuser_dsn) as connection:
        values = dict(connection.execute('select id, n from entities."Task"').fetchall())
        policies = connection.execute("select count(*) from pg_policy p join pg_class c on c.oid = p.polrelid"
                                      " where c.relname = 'Task'").fetchone()  # fmt: skip
    assert values == {key: record.get("n") for key, record in stand_in.records.items()}
    assert policies == (4,)


def test_a_move_that_was_stopped_goes_on_with_the_next_page(database: FreshDatabase) -> None:
    entity, stand_in = made(database), StandIn(3000)
    stand_in.faults = False
    stops = 2

    def stop(_: object) -> None:
        nonlocal stops
        stops -= 1
        if not stops:
            raise KeyboardInterrupt

    with served(stand_in) as url:
        with postgres.connect(Secret(database.owner_dsn)) as connection, pytest.raises(KeyboardInterrupt):
            move_entity(connection, api(url), entity, stop)
        with postgres.connect(Secret(database.owner_dsn)) as connection:
            assert Target(connection, entity).rows() == 1000
        before = stand_in.asked
        found = moved(database, api(url), entity)
    assert found.equal
    assert found.here == 3000
    assert stand_in.asked - before < 12


def test_a_source_that_stays_away_fails_and_a_wrong_key_is_told_at_once(database: FreshDatabase) -> None:
    entity, stand_in = made(database), StandIn(10)
    stand_in.broken = True
    waited: list[float] = []
    with served(stand_in) as url:
        with pytest.raises(MoveFailed, match="did not answer"):
            moved(database, api(url, waited), entity)
        with pytest.raises(SourceBroken, match="key is not accepted"):
            moved(database, Api(url, APP, Secret("b44k_wrong")), entity)
    assert len(waited) == 8


def test_requests_keep_to_the_limit_of_a_minute() -> None:
    stand_in, waited = StandIn(10), list[float]()
    stand_in.faults = False
    with served(stand_in) as url:
        source = Api(url, APP, Secret("b44k_right"), requests_a_minute=20, wait=waited.append)
        for _ in range(25):
            source.count("Task")
    assert len(waited) == 5
    assert all(50 < seconds <= 60 for seconds in waited)


def test_users_keep_their_ids_and_have_an_account_without_a_password(database: FreshDatabase) -> None:
    stand_in = StandIn(0)
    stand_in.faults = False
    stand_in.people = [
        {"id": "a" * 24, "email": "Ann@example.com", "full_name": "Ann", "role": "admin", "theme": "dark",
         "app_id": APP},
        {"id": "b" * 24, "email": "ben@example.com", "full_name": None, "role": "user"},
        {"id": "c" * 24, "email": "", "full_name": "of a former version"},
    ]  # fmt: skip
    with served(stand_in) as url, postgres.connect(Secret(database.superuser_dsn)) as connection:
        for _ in range(2):
            assert move_people(connection, api(url)) == ([], ["c" * 24])
        rows = connection.execute(
            "select p.id, p.role, p._more, u.email, u.encrypted_password from base44.person as p"
            " join auth.users as u on u.id = p.auth_id order by p.id"
        ).fetchall()
    assert rows == [
        ("a" * 24, "admin", {"theme": "dark"}, "ann@example.com", ""),
        ("b" * 24, "user", {}, "ben@example.com", ""),
    ]


async def test_a_moved_user_comes_back_by_a_link_as_who_they_were(database: FreshDatabase, tmp_path: Path) -> None:
    (tmp_path / "User.json").write_text(json.dumps(PEOPLE))
    async with base44_world(database, tmp_path) as world:
        with postgres.connect(Secret(database.superuser_dsn)) as connection:
            move_people(connection, Exports(tmp_path))
        credentials = {"email": "ann@example.com", "password": "a lamp in the window"}
        assert (await world.ask("POST", "auth/login", credentials | {"password": ""}))[0] == 422
        assert (await world.ask("POST", "auth/login", credentials))[0] == 401
        assert (await world.ask("POST", "auth/reset-password-request", {"email": "Ann@example.com"}))[0] == 200
        (mail,) = [json.loads(file.read_text()) for file in world.settings.mail_directory.glob("*.json")]
        link = urlsplit(html.unescape(re.findall(r'href="([^"]+)"', mail["html"])[0]))
        given = {"reset_token": parse_qs(link.query)["token"][0], "new_password": credentials["password"]}
        assert (await world.ask("POST", "auth/reset-password", given))[0] == 200
        status, found = await world.ask("POST", "auth/login", credentials)
        assert status == 200
        me = (await world.ask("GET", "entities/User/me", token=found["access_token"]))[1]
    assert (me["id"], me["role"], me["theme"], me["email"]) == ("a" * 24, "admin", "dark", "Ann@example.com")


def test_exports_in_json_and_csv_are_read(database: FreshDatabase, tmp_path: Path) -> None:
    entity = made(database)
    (tmp_path / "Task.csv").write_text('id,title,n,tags\nx1,One,5,"[""a""]"\nx2,"Two, and",,\n')
    found = moved(database, Exports(tmp_path), entity)
    assert (found.equal, found.here) == (True, 2)
    (tmp_path / "Task.csv").unlink()
    (tmp_path / "task.json").write_text(json.dumps([{"id": "x1", "title": "One", "updated_date": "2"}, {"id": "x3"}]))
    found = moved(database, Exports(tmp_path), entity)
    assert (found.equal, found.here) == (True, 2)


def place(database: FreshDatabase, folder: Path) -> Destination:
    return Destination(
        admin_dsn=Secret(database.superuser_dsn),
        owner_dsn=Secret(database.owner_dsn),
        owner="postgres",
        described="here",
        files=StoredFiles(FolderStore(folder)),
    )


def brought(source: Any, destination: Destination) -> None:
    records.begin(source, destination)
    records.move(source, destination, lambda _: None)


def compared(source: Any, destination: Destination) -> Verified:
    with destination.app() as app:
        return verify(source, destination, records.known_entities(app), lambda _: None)


def test_everything_stands_in_the_ledger_and_every_record_is_compared(database: FreshDatabase, tmp_path: Path) -> None:
    made(database)
    stand_in, destination = StandIn(1200), place(database, tmp_path)
    stand_in.people = PEOPLE
    first = stand_in.records[f"{0:024x}"]
    first |= {"title": "a\x00b\ud800", "drift": {"deep": [1.0, 1e22, None, "\x00"]}, "n": 7.50}
    with served(stand_in) as url:
        source = api(url)
        brought(source, destination)
        found = compared(source, destination)
        assert found.faults == ()
        document = found.document()
        assert [(item.shown, item.outcome) for item in found.items] == [
            ("users of the app", "moved"),
            ("entity Task", "moved"),
        ]
        assert "other types than the schema says: n take" in str(document["ledger"])
        assert [(table.name, table.source.rows, table.target.rows) for table in found.tables] == [
            ("users", 2, 2),
            ("Task", 1200, 1200),
        ]
        with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
            connection.execute("update entities.\"Task\" set title = 'other' where id = %s", (f"{5:024x}",))
            connection.execute('delete from entities."Task" where id = %s', (f"{6:024x}",))
            connection.execute("update base44.person set role = 'admin'")
        found = compared(source, destination)
    tables = {table.name: table for table in found.tables}
    assert tables["Task"].only_source == (f"{5:024x}", f"{6:024x}")
    assert tables["users"].only_source == ("b" * 24,)
    assert found.faults == ("users: rows differ", "Task: 1200 rows at the source, 1199 here")


def test_records_that_are_counted_and_never_listed_are_a_fault(database: FreshDatabase, tmp_path: Path) -> None:
    made(database)
    destination, stand_in = place(database, tmp_path), StandIn(CUT + 3)
    stand_in.faults = False
    for record in stand_in.records.values():  # as after an import: no date to begin again from
        record["created_date"] = "2026-01-01"
    with served(stand_in) as url:
        brought(api(url), destination)
        found = compared(api(url), destination)
    assert found.faults == (f"Task, counted and not listed by the source: {CUT + 3} at the source, {CUT} here",)


def test_a_place_with_records_or_another_source_is_not_moved_into(database: FreshDatabase, tmp_path: Path) -> None:
    made(database)
    destination, stand_in = place(database, tmp_path), StandIn(3)
    stand_in.faults = False
    with served(stand_in) as url:
        with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
            connection.execute(
                'insert into entities."Task" select * from jsonb_populate_record(null::entities."Task", %s)',
                (json.dumps({"id": "x", "created_date": "", "updated_date": "", "is_sample": False, "_more": {}}),),
            )
        with pytest.raises(MoveRefused, match="not empty"):
            records.begin(api(url), destination)
        with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
            connection.execute('delete from entities."Task"')
        brought(api(url), destination)
        exports = tmp_path / "exports"
        exports.mkdir()
        with pytest.raises(MoveRefused, match="another source"):
            records.begin(Exports(exports), destination)


def test_a_file_that_fails_is_an_open_line_and_one_that_is_gone_is_told(
    database: FreshDatabase, tmp_path: Path
) -> None:
    made(database)
    destination, stand_in = place(database, tmp_path), StandIn(2)
    stand_in.faults = False
    unreachable, hosts = "http://127.0.0.1:9/x.png", ("http://127[.]0[.]0[.]1:9/",)
    stand_in.records[f"{1:024x}"]["title"] = unreachable
    with served(stand_in) as url:
        records.begin(api(url), destination)
        with pytest.raises(MoveFailed, match="1 things did not arrive") as raised:
            records.move(api(url), destination, lambda _: None, hosts)
        assert unreachable in raised.value.detail
        with destination.admin() as admin:
            assert ledger.status(admin) == "copying"
        stand_in.records[f"{1:024x}"] |= {"title": "no file", "updated_date": "2027"}
        records.move(api(url), destination, lambda _: None, hosts)
        assert compared(api(url), destination).faults == ()
        with destination.admin() as admin:
            assert ledger.status(admin) == "copied"


def test_what_no_entity_and_no_account_can_take_is_named(database: FreshDatabase, tmp_path: Path) -> None:
    made(database)
    (tmp_path / "Task.json").write_text("[]")
    (tmp_path / "Former.json").write_text(json.dumps([{"id": "x"}]))
    (tmp_path / "User.csv").write_text("id,email\nu1,ann@example.com\nu2,\n")
    destination = place(database, tmp_path / "files")
    brought(Exports(tmp_path), destination)
    found = compared(Exports(tmp_path), destination)
    assert found.faults == ()
    assert [item.shown for item in found.items if item.outcome == "left"] == ["user u2", "entity former"]
