"""Entities' tables: made from schemas, changed without losing a value, guarded by row security."""

from typing import Any

import psycopg
import pytest

from freehold.core.errors import BadUsage, NotAccepted
from freehold.core.event import Event
from freehold.core.inventory import RecordKind
from freehold.core.secret import Secret
from freehold.data import entities, migrations
from freehold.testing.database import FreshDatabase

NOW = "2026-11-27T10:00:00.000Z"
MINE = {"created_by_id": "{{user.id}}"}


def kind(name: str, properties: dict[str, Any], **more: Any) -> RecordKind:
    schema = {"name": name, "type": "object", "properties": properties, **more}
    return RecordKind(name=name, kind="entity", schema=schema)


def apply(database: FreshDatabase, *records: RecordKind) -> list[str]:
    told: list[Event] = []
    entities.apply(records, owner_dsn=Secret(database.owner_dsn), report=told.append)
    return [event.text for event in told]


def rows(database: FreshDatabase, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def insert(database: FreshDatabase, name: str, identity: str, **values: Any) -> None:
    columns = {"id": identity, "created_date": NOW, "updated_date": NOW, **values}
    names = ", ".join(f'"{key}"' for key in columns)
    marks = ", ".join(["%s"] * len(columns))
    rows(database, f'insert into entities."{name}" ({names}) values ({marks})', *columns.values())


def test_a_schema_becomes_a_table_with_typed_columns(database: FreshDatabase) -> None:
    apply(
        database,
        kind(
            "Task",
            {"title": {"type": "string"}, "count": {"type": "integer"}, "done": {"type": "boolean"},
             "tags": {"type": "array"}, "two": {"type": ["string", "null"]}, 'odd"name': {"type": "string"}},
        ),
    )  # fmt: skip
    found = dict(
        rows(
            database,
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute"
            " where attrelid = 'entities.\"Task\"'::regclass and attnum > 0",
        )
    )
    assert {key: found[key] for key in ("title", "count", "done", "tags", "two", 'odd"name')} == {
        "title": "text", "count": "numeric", "done": "boolean", "tags": "jsonb", "two": "jsonb", 'odd"name': "text"
    }  # fmt: skip
    assert rows(database, "select relrowsecurity from pg_class where oid = 'entities.\"Task\"'::regclass") == [(True,)]


def test_applying_twice_changes_nothing(database: FreshDatabase) -> None:
    task = kind("Task", {"title": {"type": "string"}}, rls={"read": MINE})
    assert apply(database, task)
    assert apply(database, task) == []


def test_a_field_that_gets_a_schema_takes_what_records_held(database: FreshDatabase) -> None:
    apply(database, kind("Task", {}))
    insert(database, "Task", "a", _more='{"title": "kept", "count": 3, "odd": "text"}')
    insert(database, "Task", "b", _more='{"odd": 4}')
    apply(database, kind("Task", {"title": {"type": "string"}, "count": {"type": "number"}, "odd": {"type": "number"}}))
    assert rows(database, 'select title, count, odd, _more from entities."Task" order by id') == [
        ("kept", 3, "text", {}),
        (None, None, 4, {}),
    ]


def test_a_changed_type_widens_the_column_and_keeps_values_and_rules(database: FreshDatabase) -> None:
    rule = {"read": {"data.owner": "{{user.email}}"}, "create": False, "update": MINE, "delete": MINE}
    apply(database, kind("Task", {"owner": {"type": "string"}, "size": {"type": "string"}}, rls=rule))
    insert(database, "Task", "a", owner="x@example.com", size="12")
    apply(database, kind("Task", {"owner": {"type": "number"}, "size": {"type": "string"}}, rls=rule))
    assert rows(database, 'select owner, size from entities."Task"') == [("x@example.com", "12")]
    policies = rows(database, "select polname::text from pg_policy order by 1")
    assert {name for (name,) in policies} >= {"create", "read", "update", "delete"}


def test_a_field_that_is_gone_keeps_its_column(database: FreshDatabase) -> None:
    apply(database, kind("Task", {"title": {"type": "string"}}))
    insert(database, "Task", "a", title="kept")
    apply(database, kind("Task", {}))
    assert rows(database, 'select title from entities."Task"') == [("kept",)]


def test_a_changed_rule_is_told_and_written_down(database: FreshDatabase) -> None:
    apply(database, kind("Task", {}, rls={"read": MINE, "create": True, "update": MINE, "delete": MINE}))
    told = apply(database, kind("Task", {}, rls={"read": {}, "create": True, "update": MINE, "delete": MINE}))
    assert told == ["Task: everyone may read, as no rule says otherwise"]
    assert (told[0],) in rows(database, "select title from base44.migration")


TEXT = {"type": "string"}
ANYBODY = {"create": True, "read": True, "update": True, "delete": True}
OPEN_NOTE = kind("Note", {"a": TEXT}, rls=ANYBODY)


@pytest.mark.parametrize(
    ("changed", "asks", "takes"),
    [
        (kind("Note", {"a": TEXT, "b": {"type": "number"}}, rls=ANYBODY), [], []),
        (kind("Note", {"a": TEXT}), [], []),
        (
            kind("Note", {"a": TEXT}, rls=ANYBODY | {"read": MINE}),
            ["only those whom its rule allows"],
            [True],
        ),
        (kind("Note", {"a": TEXT}, rls=ANYBODY | {"read": False}), ["nobody may read records"], [True]),
        (kind("Note", {"a": {"type": "number"}}, rls=ANYBODY), ["a is number now, was string"], [True]),
        (kind("Note", {}, rls=ANYBODY), ["a is gone"], [True]),
        (kind("Note", {"a": TEXT}, rls=ANYBODY, required=["a"]), ["new records need a"], [True]),
        (
            kind("Note", {"a": {"type": "string", "rls": {"read": MINE}}}, rls=ANYBODY),
            ["only those whom its rule allows may read the field a"],
            [True],
        ),
    ],
)
def test_what_asks_is_what_lets_others_in_or_takes_something_away(
    database: FreshDatabase, changed: RecordKind, asks: list[str], takes: list[bool]
) -> None:
    apply(database, OPEN_NOTE)
    found = [item for item in entities.plan([changed], Secret(database.owner_dsn)) if item.asks]
    assert [item.takes for item in found] == takes
    assert len(found) == len(asks)
    assert all(words in item.asks for words, item in zip(asks, found, strict=True))


def test_nothing_changes_until_every_entity_is_accepted_and_the_window_remembers(database: FreshDatabase) -> None:
    before = kind("Note", {"a": TEXT, "b": TEXT}, rls=dict.fromkeys(ANYBODY, MINE))
    wider = kind(
        "Note", {"a": {"type": "string"}, "b": {"type": "string"}}, rls=dict.fromkeys(ANYBODY, MINE) | {"read": {}}
    )
    gone = kind("Note", {"a": TEXT}, rls=wider.schema["rls"])  # type: ignore[index]
    admin = Secret(database.superuser_dsn)
    apply(database, before)
    for changed, closes in ((wider, []), (gone, ["b is gone: its values are kept, and neither shown nor written"])):
        place = migrations.position(admin)
        for names in ((), ("Other",)):
            with pytest.raises((NotAccepted, BadUsage)):
                accept(database, names, changed)
        assert migrations.position(admin) == place
        accept(database, ("note",), changed)
        assert [item.reason for _, item in migrations.closed_since(admin, place).closed] == closes
        assert migrations.position(admin) > place
    assert rows(database, "select distinct accepted_by from base44.migration where asks <> ''") == [("ann@laptop",)]


def test_rules_of_rows_in_the_file_of_users_are_told_to_hold_nothing(database: FreshDatabase) -> None:
    told = apply(database, kind("User", {"theme": {"type": "string"}}, rls={"read": {}}))
    assert told[-1].endswith("the rules of rows in its file are not looked at")
    assert apply(database, kind("User", {"theme": {"type": "string"}}))[-1:] != told[-1:]


def accept(database: FreshDatabase, names: tuple[str, ...], *records: RecordKind) -> None:
    consent = migrations.Consent(frozenset(names), "ann@laptop")
    entities.apply(records, owner_dsn=Secret(database.owner_dsn), report=lambda _: None, consent=consent)


def test_an_entity_that_no_file_describes_is_its_makers(database: FreshDatabase) -> None:
    apply(database, RecordKind(name="Loose", kind="entity", declared=False))
    insert(database, "Loose", "a", created_by_id="someone", _more='{"x": 1}')
    rows(database, "insert into base44.person (id, email, created_date, updated_date, auth_id) values"
         " ('someone', 'a@b.c', '', '', '11111111-1111-1111-1111-111111111111'),"
         " ('other', 'o@b.c', '', '', '22222222-2222-2222-2222-222222222222')")  # fmt: skip
    assert seen(database, "Loose", "11111111-1111-1111-1111-111111111111") == ["a"]
    assert seen(database, "Loose", "22222222-2222-2222-2222-222222222222") == []
    assert seen(database, "Loose", None) == []


def seen(database: FreshDatabase, name: str, subject: str | None) -> list[str]:
    claims = f'{{"role": "authenticated", "sub": "{subject}"}}' if subject else '{"role": "anon"}'
    with psycopg.connect(database.rest_dsn) as connection:
        connection.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
        connection.execute(f"set local role {'authenticated' if subject else 'anon'}")
        return [row[0] for row in connection.execute(f'select id from entities."{name}"')]
