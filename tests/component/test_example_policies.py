"""The sample's migrations run as they are, and its policies let in whom they should."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from freehold.core.app import App
from freehold.core.secret import Secret
from freehold.data import migrations
from freehold.flows.read import read_app
from freehold.testing.database import FreshDatabase

SAMPLE = Path(__file__).parents[2] / "examples/lovable-tasklight"
Rows = list[tuple[Any, ...]]
MAKE_USER = """
insert into auth.users (id, aud, role, email, email_confirmed_at, raw_user_meta_data)
values (gen_random_uuid(), 'authenticated', 'authenticated', %s, now(), jsonb_build_object('display_name', %s::text))
returning id::text
"""


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in: their statements run as the API would run them."""

    connection: psycopg.Connection
    id: str
    email: str

    def asks(self, statement: str, *values: object) -> Rows:
        claims = json.dumps({"sub": self.id, "email": self.email, "role": "authenticated"})
        with self.connection.transaction():
            self.connection.execute("set local role authenticated")
            self.connection.execute("select set_config('request.jwt.claims', %s, true)", [claims])
            found = self.connection.execute(statement.encode(), values)
            return found.fetchall() if found.description else []


@pytest.fixture
def tasklight(database: FreshDatabase) -> Iterator[psycopg.Connection]:
    """An administrator's connection to a database with the sample's schema."""
    inventory = read_app(App(root=SAMPLE, origin=str(SAMPLE), name="tasklight"))
    migrations.migrate(
        inventory.migrations,
        owner_dsn=Secret(database.owner_dsn),
        admin_dsn=Secret(database.superuser_dsn),
        report=lambda _: None,
    )
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def people(tasklight: psycopg.Connection) -> tuple[Person, Person, Person]:
    def sign_up(name: str) -> Person:
        email = f"{name.lower()}@example.test"
        row = tasklight.execute(MAKE_USER, [email, name]).fetchone()
        assert row is not None
        return Person(tasklight, row[0], email)

    return sign_up("Ada"), sign_up("Bob"), sign_up("Eve")


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(InsufficientPrivilege, match="row-level security"):
        yield


def a_list_shared_with_bob(ada: Person) -> tuple[str, str]:
    """Give the ids of the list and its one task."""
    list_id = ada.asks("insert into lists (name) values ('Garden') returning id")[0][0]
    task_id = ada.asks("insert into tasks (list_id, title) values (%s, 'Plant') returning id", list_id)[0][0]
    ada.asks("insert into list_shares (list_id, email) values (%s, 'bob@example.test')", list_id)
    return list_id, task_id


def test_the_samples_migrations_leave_the_tables_buckets_and_publication_it_expects(
    tasklight: psycopg.Connection,
) -> None:
    expected = json.loads((SAMPLE / "expected.json").read_text())
    tables = tasklight.execute(
        "select relname::text, relrowsecurity from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind = 'r' order by 1"
    ).fetchall()
    assert tables == [(name, True) for name in expected["tables"]]
    buckets = tasklight.execute("select id, public from storage.buckets").fetchall()
    assert {name: {"public": public} for name, public in buckets} == expected["buckets"]
    published = tasklight.execute("select tablename::text from pg_publication_tables where schemaname = 'public'")
    assert [name for (name,) in published] == expected["published_tables"]
    policies = tasklight.execute("select count(*) from pg_policies where schemaname = 'storage'").fetchone()
    assert policies == (7,)


def test_a_profile_is_made_for_everybody_who_signs_up(people: tuple[Person, ...]) -> None:
    ada = people[0]
    assert ada.asks("select display_name, email from profiles") == [("Ada", "ada@example.test")]
    assert ada.asks("select role::text from user_roles") == [("user",)]
    with refused():
        ada.asks("update profiles set email = 'bob@example.test'")
    with refused():
        ada.asks("insert into user_roles (user_id, role) values (%s, 'admin')", ada.id)


def test_a_list_is_seen_by_its_owner_and_the_invited_only(people: tuple[Person, Person, Person]) -> None:
    ada, bob, eve = people
    list_id, _ = a_list_shared_with_bob(ada)
    for person in (ada, bob):
        assert person.asks("select name from lists") == [("Garden",)]
        assert person.asks("select title from tasks") == [("Plant",)]
        assert person.asks("select open_count from get_task_stats()") == [(1,)]
        assert person.asks("select display_name from profiles order by 1") == [("Ada",), ("Bob",)]
    assert eve.asks("select name from lists") == eve.asks("select title from tasks") == []
    assert eve.asks("select display_name from profiles") == [("Eve",)]
    with refused():
        eve.asks("insert into list_shares (list_id, email) values (%s, 'eve@example.test')", list_id)
    with refused():
        eve.asks("insert into tasks (list_id, title) values (%s, 'Weeds')", list_id)


def test_a_member_works_on_the_tasks_but_does_not_own_the_list(people: tuple[Person, Person, Person]) -> None:
    ada, bob, eve = people
    list_id, task_id = a_list_shared_with_bob(ada)
    bob.asks("insert into tasks (list_id, title) values (%s, 'Compost')", list_id)
    bob.asks("update tasks set is_done = true where id = %s", task_id)
    bob.asks("delete from tasks where id = %s", task_id)
    bob.asks("delete from lists")
    with refused():
        bob.asks("insert into list_shares (list_id, email) values (%s, 'eve@example.test')", list_id)
    eve.asks("update tasks set title = 'Weeds'")
    assert ada.asks("select title, completed_at is not null from tasks order by 1") == [
        ("Compost", False),
        ("Plant", True),
    ]
    assert ada.asks("select clear_completed(%s)", list_id) == [(1,)]


def test_a_file_is_read_by_those_on_the_list_and_written_into_ones_own_folder_only(
    people: tuple[Person, Person, Person],
) -> None:
    ada, bob, eve = people
    _, task_id = a_list_shared_with_bob(ada)
    path = f"{ada.id}/{task_id}/roses.png"
    write = "insert into storage.objects (bucket_id, name) values ('attachments', %s)"
    ada.asks(write, path)
    ada.asks("insert into attachments (task_id, path, name) values (%s, %s, 'roses.png')", task_id, path)
    read = "select name from storage.objects where bucket_id = 'attachments'"
    assert ada.asks(read) == bob.asks(read) == [(path,)]
    assert eve.asks(read) == []
    with refused():
        bob.asks(write, f"{ada.id}/forged.png")
    with refused():
        eve.asks("insert into attachments (task_id, path, name) values (%s, %s, 'x')", task_id, f"{eve.id}/x")
