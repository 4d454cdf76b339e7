"""The users of a Base44 app: ids kept, and an account each that is first opened by the link for a new password."""

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from freehold.data.records.pages import Records, Source
from freehold.data.records.values import holdable
from freehold.kit import postgres
from freehold.platform.entities.schema import PERSON

NAME = "User"
_INTERNAL = frozenset({"is_service", "app_id", "_app_role", "collaborator_role"})
_APART = frozenset(PERSON) | _INTERNAL | {"auth_id"}


def move_people(connection: postgres.Connection, source: Source) -> tuple[list[str], list[str]]:
    """Bring every user; gives the ids that did not arrive, and those without an address, who cannot sign in anywhere.

    The builder gives no password hashes. Nobody gets a password that they did not choose: the account has none yet.
    The connection is an administrator's.
    """
    listed = {str(item["id"]): holdable(item) for some in _pages(source) for item in some}
    given = {identity: item for identity, item in listed.items() if item.get("email")}
    for one in given.values():
        with connection.transaction():
            _store(connection, one, _account(connection, one))
    rows = connection.execute("select id from base44.person").fetchall()
    return sorted(given.keys() - {str(row[0]) for row in rows}), sorted(listed.keys() - given.keys())


def found(source: Source) -> dict[str, dict[str, Any]]:
    """Give every user of the source by id; who has no address cannot sign in and is none."""
    return {str(item["id"]): holdable(item) for some in _pages(source) for item in some if item.get("email")}


def kept(connection: postgres.Connection) -> Iterator[dict[str, Any]]:
    """Give every user here, as the source would."""
    rows = connection.execute("select to_jsonb(p) - '_more' || p._more from base44.person as p")
    return (row[0] for row in rows.fetchall())


def person(given: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be the same of a user at both ends: everything but dates and what the builder keeps for itself."""
    return {
        **{key: value for key, value in given.items() if key not in _APART},
        "email": given["email"], "full_name": given.get("full_name"), "role": str(given.get("role") or "user"),
        "disabled": given.get("disabled"),
    }  # fmt: skip


def _pages(source: Source) -> Iterator[Records]:
    """Users are listed whole by their cursor; they have no count."""
    cursor = ""
    while True:
        page = source.page(NAME, since="", cursor=cursor)
        yield page.records
        cursor = page.cursor
        if not cursor:
            return


def _account(connection: postgres.Connection, person: dict[str, Any]) -> str:
    """Give the account of the person's address, made without a password if there is none."""
    address = str(person["email"]).strip().lower()
    row = connection.execute("select id from auth.users where email = %s", (address,)).fetchone()
    if row is not None:
        return str(row[0])
    identity = str(uuid.uuid4())
    connection.execute(
        "insert into auth.users (instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,"
        " confirmation_token, recovery_token, email_change_token_new, email_change, raw_app_meta_data,"
        " raw_user_meta_data, created_at, updated_at) values ('00000000-0000-0000-0000-000000000000', %s,"
        " 'authenticated', 'authenticated', %s, '', now(), '', '', '', '', %s, %s, now(), now())",
        (
            identity,
            address,
            json.dumps({"provider": "email", "providers": ["email"]}),
            json.dumps({"full_name": person.get("full_name")}),
        ),
    )
    connection.execute(
        "insert into auth.identities (provider_id, user_id, identity_data, provider, created_at, updated_at)"
        " values (%s, %s, %s, 'email', now(), now())",
        (identity, identity, json.dumps({"sub": identity, "email": address, "email_verified": True})),
    )
    return identity


def _store(connection: postgres.Connection, person: dict[str, Any], account: str) -> None:
    rest = {key: value for key, value in person.items() if key not in PERSON and key not in _INTERNAL}
    connection.execute(
        "insert into base44.person (id, auth_id, email, full_name, role, disabled, is_verified, created_date,"
        " updated_date, _more) values (%s, %s, %s, %s, %s, %s, true, %s, %s, %s) on conflict (id) do update set"
        " email = excluded.email, full_name = excluded.full_name, role = excluded.role, disabled = excluded.disabled,"
        " _more = excluded._more, updated_date = excluded.updated_date",
        (
            str(person["id"]),
            account,
            str(person["email"]),
            person.get("full_name"),
            str(person.get("role") or "user"),
            person.get("disabled"),
            str(person.get("created_date") or ""),
            str(person.get("updated_date") or ""),
            json.dumps(rest),
        ),
    )
