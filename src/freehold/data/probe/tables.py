"""What others can do with the rows of a table: read, change, delete, add, give away, promote themselves."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from freehold.data.probe import judgement, triggers, values
from freehold.data.probe.garden import Garden, Row
from freehold.data.probe.objects import Column, Objects, Relation
from freehold.data.probe.observation import Observation
from freehold.data.probe.stage import Actor, Outcome, Stage, literal, name

_AFTER_THE_RULES = frozenset({"23503", "23505", "23001"})
"""A row that breaks a key was let through by the policies before."""
_RULE_OF_OWNER = re.compile(
    r"^(user|owner|author|creator|seller|profile|auth_user)_?id$|^(created|owned|posted)_by$|^uid$"
)


@dataclass(frozen=True)
class Probed:
    """Everything about one table that its probes need. `mine` is A's row, `theirs` B's."""

    stage: Stage
    objects: Objects
    relation: Relation
    mine: Row | None
    theirs: Row

    @property
    def table(self) -> str:
        """The quoted name."""
        return name(self.relation.schema, self.relation.name)

    @property
    def owned(self) -> bool:
        """Whether its rows belong to users."""
        return self.relation.oid in self.objects.owned

    def gone(self) -> str:
        """Ask whether B's row is no longer as it was planted."""
        return f"select not exists (select from {self.table} where {self.theirs.place})"


def probe_table(
    stage: Stage, objects: Objects, garden: Garden, relation: Relation, actors: tuple[Actor, ...]
) -> Iterator[Observation]:
    """Let everybody try everything with one table."""
    theirs = garden.row(relation, "b")
    if theirs is None:
        return
    probed = Probed(stage, objects, relation, garden.row(relation, "a"), theirs)
    for actor in actors:
        yield from _read(probed, actor)
        yield from _write(probed, actor, "change")
        yield from _write(probed, actor, "delete")
        yield from _insert(probed, actor)
    yield from _own_row(probed)


def can_read(probed: Probed, actor: Actor) -> tuple[bool, tuple[str, ...], str]:
    """Say whether the actor sees B's row, which columns, and by which statement."""
    readable = probed.relation.readable.get(actor.role, ())
    if not readable:
        return False, (), ""
    if len(readable) == len(probed.relation.columns):
        statement = f"select 1 from {probed.table} where {probed.theirs.place}"
        return bool(probed.stage.attempt(actor, statement).rows), readable, statement
    listed = ", ".join(name(column) for column in readable)
    statement = f"select to_jsonb(seen) from (select {listed} from {probed.table}) as seen limit 5000"
    wanted = {column: probed.theirs.values.get(column) for column in readable}
    rows = probed.stage.attempt(actor, statement).rows
    return any(row[0] == wanted for row in rows), readable, statement


def _read(probed: Probed, actor: Actor) -> Iterator[Observation]:
    seen, columns, statement = can_read(probed, actor)
    if not seen:
        return
    relation = probed.relation
    secret = judgement.secret_columns(columns, relation)
    personal = judgement.personal_columns(columns) if judgement.is_about_people(probed.objects, relation) else ()
    meant = judgement.is_meant_for(relation, actor.role, "r")
    yield Observation(
        kind="secret-columns" if secret else "personal-columns" if personal else "rows-readable",
        object=relation.full_name,
        actor=actor.name,
        action="read",
        evidence=_sees(probed, actor, secret or personal),
        sql=statement,
        hole=bool(secret or personal) or (probed.owned and not meant),
        columns=secret or personal,
    )


def _sees(probed: Probed, actor: Actor, columns: tuple[str, ...]) -> str:
    what = f" with {', '.join(columns)}" if columns else ""
    return f"{actor.name} reads another user's row of {probed.relation.full_name}{what}"


def _write(probed: Probed, actor: Actor, action: str) -> Iterator[Observation]:
    """Try with a condition, which the policies for reading filter too, and without."""
    verb = _verb(probed, actor, action)
    for condition in (f" where {probed.theirs.place}", "") if verb else ():
        outcome = probed.stage.attempt(actor, verb + condition, look=probed.gone())
        if _blocked_by_keys(outcome) and condition and action == "delete":
            quiet = "set local session_replication_role = replica"
            outcome = probed.stage.attempt(actor, verb + condition, look=probed.gone(), before=quiet)
        if outcome.worked and outcome.seen:
            yield Observation(
                kind="rows-changeable" if action == "change" else "rows-deletable",
                object=probed.relation.full_name,
                actor=actor.name,
                action=action,
                evidence=f"{actor.name} {action}s {_whose(probed)} of {probed.relation.full_name}",
                sql=verb + condition,
            )
            return


def _whose(probed: Probed) -> str:
    return "another user's row" if probed.owned else "a row that belongs to nobody in particular"


def _verb(probed: Probed, actor: Actor, action: str) -> str:
    if action == "delete":
        return f"delete from {probed.table}"
    column = _changeable(probed.relation, actor.role)
    return f"update {probed.table} set {name(column)} = {_constant(probed, column)}" if column else ""


def _constant(probed: Probed, column: str) -> str:
    """Write B's own value as a constant: an UPDATE that reads a column is filtered by the policies for SELECT too."""
    record = json.dumps({column: probed.theirs.values.get(column)})
    return f"(jsonb_populate_record(null::{probed.table}, {literal(record)}::jsonb)).{name(column)}"


def _changeable(relation: Relation, role: str) -> str:
    """Choose a column that the role may update, not of a key when there is another."""
    keys = {column for _, columns in relation.keys for column in columns}
    columns = [item.name for item in relation.columns if not item.generated and item.name in relation.writable[role]]
    return next((item for item in columns if item not in keys), columns[0] if columns else "")


def _blocked_by_keys(outcome: Outcome) -> bool:
    return outcome.sqlstate in {"23503", "23001"}


def _insert(probed: Probed, actor: Actor) -> Iterator[Observation]:
    statement = _another(probed, probed.theirs)
    outcome = probed.stage.attempt(actor, statement)
    if not outcome.worked and outcome.sqlstate not in _AFTER_THE_RULES:
        return
    stopped = "" if outcome.worked else f"; only a key stopped it: {outcome.message}"
    yield Observation(
        kind="rows-forged" if probed.owned else "rows-insertable",
        object=probed.relation.full_name,
        actor=actor.name,
        action="insert",
        evidence=f"{actor.name} adds a row {'in the name of another user' if probed.owned else ''} to "
        f"{probed.relation.full_name}{stopped}".replace("  ", " "),
        sql=statement,
        hole=probed.owned and not _is_form(probed, actor),
    )
    if actor.role == "anon" and outcome.worked:
        yield from triggers.spread(probed.stage, probed.objects, probed.relation, actor, statement)


def _is_form(probed: Probed, actor: Actor) -> bool:
    """Say whether strangers are meant to add rows, as in a form that a user may fill in too."""
    users = probed.objects.user_columns.get(probed.relation.oid, ())
    found = [probed.relation.column(column) for column in users]
    open_to_all = any(policy.command in {"a", "*"} and policy.check == "true" for policy in probed.relation.policies)
    return actor.role == "anon" and open_to_all and bool(found) and not any(item and item.required for item in found)


def _another(probed: Probed, row: Row, **changed: object) -> str:
    """Write an INSERT of a row like one that is there, under a key of its own."""
    users = probed.objects.user_columns.get(probed.relation.oid, ())
    referring = {column for item in probed.relation.references for column in item.columns}
    given = {}
    for column in probed.relation.columns:
        value = row.values.get(column.name)
        if column.generated or value is None:
            continue
        if column.name in users or column.name in referring:
            given[column.name] = value
        elif not (column.name in probed.relation.primary_key and column.default):
            given[column.name] = _fresh(probed.relation, column, value)
    given.update(changed)
    columns = ", ".join(name(key) for key in given)
    if not given:
        return f"insert into {probed.table} default values"
    source = f"jsonb_populate_record(null::{probed.table}, {literal(json.dumps(given))}::jsonb)"
    return f"insert into {probed.table} ({columns}) select {columns} from {source}"


def _fresh(relation: Relation, column: Column, value: object) -> object:
    unique = any(column.name in columns for _, columns in relation.keys)
    if not unique:
        return value
    if column.base == "uuid":
        return str(uuid.uuid4())
    if isinstance(value, str) and " " in value:
        return f"{value} {uuid.uuid4().hex[:6]}"
    return value


def _own_row(probed: Probed) -> Iterator[Observation]:
    """Let A promote A, and hand A's row to B."""
    users = probed.objects.user_columns.get(probed.relation.oid, ())
    if not users:
        return
    actor = probed.stage.other()
    gains = judgement.gaining_columns(probed.relation, users, values.PRIVILEGED)
    for column, value in gains:
        listed = judgement.allowed(column, probed.relation)
        if value == "admin" and not listed and not judgement.is_believed(probed.objects, column):
            continue
        yield from _promote(probed, actor, column, value)
    if probed.mine is not None:
        yield from _give_away(probed, actor, probed.mine, users)


def _promote(probed: Probed, actor: Actor, column: Column, value: str) -> Iterator[Observation]:
    for statement, look, action, before in _promotions(probed, column, value):
        outcome = probed.stage.attempt(actor, statement, look=look, before=before)
        if outcome.worked and outcome.seen:
            verb = "sets" if action == "change" else "adds a row with"
            yield Observation(
                kind="self-promotion",
                object=probed.relation.full_name,
                actor=actor.name,
                action=action,
                evidence=f"a signed-in user {verb} their own {column.name} = {value} in {probed.relation.full_name}",
                sql=statement,
                columns=(column.name,),
            )
            return


def _promotions(probed: Probed, column: Column, value: str) -> Iterator[tuple[str, str, str, str]]:
    """Give statements that promote A, how to see that they did, and what has to be there before.

    Whoever founded a group may promote themselves in it: where rows belong to a group, A is put into B's.
    """
    users = probed.objects.user_columns.get(probed.relation.oid, ())
    groups = {
        name_: probed.theirs.values.get(name_)
        for item in probed.relation.references
        if item.target in probed.objects.owned
        for name_ in item.columns
        if name_ not in users and probed.theirs.values.get(name_) is not None
    }
    mine = dict.fromkeys(users, probed.stage.a.id)
    where = " and ".join(f"{name(key)}::text = {literal(str(item))}" for key, item in (groups | mine).items())
    look = f"select exists (select from {probed.table} where {where} and {name(column.name)}::text = {literal(value)})"
    update = f"update {probed.table} set {name(column.name)} = {literal(value)} where {where}"
    if groups:
        yield update, look, "change", probed.stage.quiet(_another(probed, probed.theirs, **mine))
    elif probed.mine is not None:
        yield (
            f"{update.split(' where ', maxsplit=1)[0]} where {probed.mine.place}",
            _look(probed, column, value),
            "change",
            "",
        )
    if column.labels or any(check.columns == (column.name,) for check in probed.relation.checks):
        yield _another(probed, probed.theirs, **mine, **{column.name: value}), look, "insert", ""


def _look(probed: Probed, column: Column, value: str) -> str:
    """Ask whether A has the value in a row of A's own."""
    users = probed.objects.user_columns.get(probed.relation.oid, ())
    mine = f"{name(users[0])}::text = {literal(probed.stage.a.id)}"
    return f"select exists (select from {probed.table} where {mine} and {name(column.name)}::text = {literal(value)})"


def _give_away(probed: Probed, actor: Actor, mine: Row, users: tuple[str, ...]) -> Iterator[Observation]:
    keys = probed.relation.primary_key
    rules = " ".join(f"{policy.using} {policy.check}" for policy in probed.relation.policies)
    named = [column for column in users if re.search(rf"\b{re.escape(column)}\b", rules)]
    columns = [column for column in named if _RULE_OF_OWNER.match(column) and column not in keys]
    if not columns:
        return
    assignments = ", ".join(f"{name(column)} = {literal(probed.stage.b.id)}" for column in columns)
    statement = f"update {probed.table} set {assignments} where {mine.place}"
    look = f"select not exists (select from {probed.table} where {mine.place})"
    outcome = probed.stage.attempt(actor, statement, look=look)
    if outcome.sqlstate in _AFTER_THE_RULES or (outcome.worked and outcome.seen):
        yield Observation(
            kind="rows-given-away",
            object=probed.relation.full_name,
            actor=actor.name,
            action="change",
            evidence=f"a signed-in user makes another the owner of a row of {probed.relation.full_name}: "
            "the policy for UPDATE does not check the new row",
            sql=statement,
            columns=tuple(columns),
        )
