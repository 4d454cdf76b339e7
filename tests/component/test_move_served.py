"""What a user of a moved app meets: looked at without an app, and told apart when it is wrong."""

import contextlib
import hashlib
from collections.abc import Iterator

import psycopg
import pytest
from loopback import Quiet, serving
from supabase_project import BCRYPT, PASSWORD

from freehold.core.secret import Secret
from freehold.flows import move_served
from freehold.flows.move_served import Address, Login
from freehold.kit import postgres
from freehold.testing import database as databases

PICTURE = b"a picture"
ANSWERS = {
    "GET /storage/v1/object/public/shown/a%20b.png": (200, PICTURE),
    "OPTIONS /functions/v1/works": (204, b""),
    "OPTIONS /functions/v1/gone": (404, b""),
    "OPTIONS /functions/v1/broken": (503, b""),
    "POST /auth/v1/token?grant_type=password": (400, b"{}"),
}


class _Door(Quiet):
    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.answer(*ANSWERS.get(f"{self.command} {self.path}", (404, b"")))

    do_GET = do_POST = do_OPTIONS = _answer  # noqa: N815 - the library's names


@contextlib.contextmanager
def door() -> Iterator[Address]:
    """Something that answers at an address, as an app could."""
    with serving(_Door) as url:
        yield Address(url=url, key="key")


@pytest.fixture
def admin(database: databases.FreshDatabase) -> Iterator[postgres.Connection]:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute(
            "insert into auth.users (id, email, encrypted_password) values (gen_random_uuid(), 'Ann@example.org', %s),"
            " (gen_random_uuid(), 'far@example.org', 'no hash')",
            (BCRYPT,),
        )
        yield connection


def test_each_answer_is_judged(admin: postgres.Connection) -> None:
    digest = hashlib.sha256(PICTURE).hexdigest()
    admin.execute("insert into storage.buckets (id, name, public) values ('shown', 'shown', true)")
    row = "insert into freehold.move_files (bucket, name, version, outcome, size, sha256) values"
    admin.execute(f"{row} ('shown', 'a b.png', '', 'moved', 9, %s)".encode(), (digest,))
    login = Login(email="ann@example.org", password=Secret(PASSWORD))
    with door() as address:
        found = move_served.look(address, admin, ("works", "gone", "broken"), login)
    assert {item.name: item.ok for item in found} == {
        "file shown/a b.png": True, "function works": True, "function gone": False, "function broken": False,
        "login ann@example.org": False,
    }  # fmt: skip
    assert PASSWORD not in str(found)


def test_bytes_that_are_others_and_an_address_that_is_silent_are_no_answers(admin: postgres.Connection) -> None:
    admin.execute("insert into storage.buckets (id, name, public) values ('shown', 'shown', true)")
    row = "insert into freehold.move_files (bucket, name, version, outcome, size, sha256) values"
    admin.execute(f"{row} ('shown', 'a b.png', '', 'moved', 9, 'another')".encode())
    with door() as address:
        [wrong] = move_served.look(address, admin, (), None)
    assert (wrong.ok, "not those of the source" in wrong.detail) == (False, True)
    [silent] = move_served.look(address, admin, (), None)
    assert (silent.ok, "no answer" in silent.detail) == (False, True)


@pytest.mark.parametrize(
    ("email", "password", "ok"),
    [
        ("ANN@example.org", PASSWORD, True),
        ("ann@example.org", "another", False),
        ("far@example.org", PASSWORD, False),
        ("nobody@example.org", PASSWORD, False),
    ],
)
def test_without_an_app_the_password_is_held_against_its_hash(
    admin: postgres.Connection, email: str, password: str, ok: bool
) -> None:
    [found] = move_served.look(None, admin, ("works",), Login(email=email, password=Secret(password)))
    assert found.ok == ok
