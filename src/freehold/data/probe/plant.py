"""Plant three users and, in every table, one row of each."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg

from freehold.data.probe import values
from freehold.data.probe.garden import Garden, Row
from freehold.data.probe.objects import Objects, Relation
from freehold.data.probe.planter import Planter
from freehold.data.probe.stage import FORGED, Stage, User, literal, name

_ROLE = re.compile(r"(^|_)(roles?|access_level|user_type|account_type|permission)$")
_OF_POWERFUL = re.compile(r"(^|_)(admins?|administrators?|moderators?|staff|superusers?|admin_users?)$")
_SIGN_UP = """
insert into auth.users (instance_id, id, aud, role, email, email_confirmed_at, created_at, updated_at,
                        raw_app_meta_data, raw_user_meta_data)
values ('00000000-0000-0000-0000-000000000000', %s, 'authenticated', 'authenticated', %s, now(), now(), now(),
        '{"provider": "email", "providers": ["email"]}', %s)
"""


def plant(stage: Stage, objects: Objects) -> Garden:
    """Plant users with the app's own triggers, everything else without any; then fill the materialized views."""
    garden = Garden()
    for user in (stage.c, stage.a, stage.b):
        _sign_up(stage, garden, user)
    for relation in _ordered(objects):
        for who, user in (("c", stage.c), ("a", stage.a), ("b", stage.b)):
            _plant_row(Planter(stage, objects, garden, relation, who, user))
    with stage.acting(stage.owner):
        for relation in objects.relations.values():
            if relation.kind == "m":
                _refresh(stage, garden, relation)
    return garden


def sign_up(stage: Stage, user: User, metadata: dict[str, Any]) -> None:
    """Insert a user as the auth server does. Raises psycopg.Error when a trigger refuses."""
    with stage.acting("supabase_auth_admin"):
        stage.tried(_SIGN_UP, (user.id, user.email, json.dumps(metadata)))


def forged_user() -> tuple[User, dict[str, Any]]:
    """Give a further user who asks for more at sign-up."""
    return User(id=str(uuid.uuid4()), mark="freehold-d"), FORGED | {"full_name": "freehold-d"}


def _sign_up(stage: Stage, garden: Garden, user: User) -> None:
    metadata = {"full_name": user.mark, "name": user.mark, "username": user.mark, "email": user.email}
    try:
        sign_up(stage, user, metadata)
    except psycopg.Error as error:
        stage.connection.execute("reset role")
        garden.sign_up = error.diag.message_primary or str(error).strip()
        with stage.quietly("supabase_auth_admin"):
            stage.tried(_SIGN_UP, (user.id, user.email, json.dumps(metadata)))


def _ordered(objects: Objects) -> Iterator[Relation]:
    """Give the tables after those that they refer to; partitioned tables after their partitions."""
    done: set[int] = set()

    def visit(relation: Relation) -> Iterator[Relation]:
        if relation.oid in done:
            return
        done.add(relation.oid)
        for reference in relation.references:
            if reference.target in objects.relations:
                yield from visit(objects.relations[reference.target])
        if relation.kind == "p":
            for child in objects.relations.values():
                if child.parent == relation.oid:
                    yield from visit(child)
        yield relation

    for relation in objects.relations.values():
        if relation.kind in {"r", "p"}:
            yield from visit(relation)


def _plant_row(planter: Planter) -> None:
    objects, garden, relation, who = planter.objects, planter.garden, planter.relation, planter.who
    if relation.kind == "p":
        leaves = [item for item in objects.relations.values() if item.parent == relation.oid]
        rows = [row for row in (garden.row(leaf, who) for leaf in leaves) if row is not None]
        if rows:
            garden.rows[relation.oid, who] = rows[0]
        else:
            garden.failures[relation.oid] = "it has no partition in which a row could be planted"
        return
    row = _existing(planter.stage, objects, relation, planter.user) or planter.row()
    if row is not None and who == "a" and _gives_power(relation, row, objects.user_columns.get(relation.oid, ())):
        _pull_out(planter.stage, relation, row)
    elif row is not None:
        garden.rows[relation.oid, who] = row


def _gives_power(relation: Relation, row: Row, users: tuple[str, ...]) -> bool:
    """Say whether A would be an administrator by this row: what A could do then would prove nothing."""
    if not users:
        return False
    labels = {str(row.values.get(column.name)).lower() for column in relation.columns if _ROLE.search(column.name)}
    return bool(_OF_POWERFUL.search(relation.name) or labels & values.PRIVILEGED)


def _pull_out(stage: Stage, relation: Relation, row: Row) -> None:
    with stage.quietly():
        stage.tried(f"delete from {name(relation.schema, relation.name)} where {row.place}")


def _existing(stage: Stage, objects: Objects, relation: Relation, user: User) -> Row | None:
    """Take the row that a trigger of the app made when the user signed up."""
    columns = objects.user_columns.get(relation.oid, ())
    if not columns:
        return None
    table = name(relation.schema, relation.name)
    condition = " or ".join(f"t.{name(column)}::text = {literal(user.id)}" for column in columns)
    statement = f"select t.tableoid::bigint, t.ctid::text, to_jsonb(t) from {table} as t where {condition} limit 1"
    with stage.acting(stage.owner):
        rows = stage.tried(statement)
    return Row(table=rows[0][0], ctid=rows[0][1], values=rows[0][2]) if rows else None


def _refresh(stage: Stage, garden: Garden, relation: Relation) -> None:
    try:
        stage.tried(f"refresh materialized view {name(relation.schema, relation.name)}")
    except psycopg.Error as error:
        garden.failures[relation.oid] = error.diag.message_primary or str(error).strip()
