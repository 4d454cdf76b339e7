"""The statements that make an entity's table, or change it without losing anything."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from freehold.platform.entities import differences, names, rules
from freehold.platform.entities.differences import Difference
from freehold.platform.entities.names import identifier, literal
from freehold.platform.entities.schema import REST, Entity, Field

_TYPES = {"text": 'text collate "C"', "number": "numeric", "boolean": "boolean", "json": "jsonb"}
_FITS = {"text": "string", "number": "number", "boolean": "boolean"}
_OWNERS = ("created_by_id", "created_by")


@dataclass(frozen=True, kw_only=True)
class Change:
    """One step; `statement` is "" where nothing of the table changes.

    `asks` says whom it lets in or what it takes away, and is "" for what only adds; `takes` says that a release from
    before may miss something.
    """

    entity: str
    title: str
    statement: str
    asks: str = ""
    takes: bool = False


def create(entity: Entity) -> list[Change]:
    """Make the table with its columns, row rules, indexes and the trigger that announces changes."""
    columns = "".join(f",\n  {identifier(field.name)} {_TYPES[field.kind]}" for field in entity.fields if field.kind)
    at = names.table(entity)
    statement = f"""create table {at} (
  id text collate "C" primary key,
  created_date text collate "C" not null,
  updated_date text collate "C" not null,
  created_by text collate "C",
  created_by_id text collate "C",
  is_sample boolean not null default false{columns},
  {REST} jsonb not null default '{{}}' check (jsonb_typeof({REST}) = 'object')
);
alter table {at} enable row level security;
grant select, insert, update, delete on {at} to anon, authenticated, service_role;
create trigger announce after insert or update or delete on {at} for each row execute function base44.announce();
{_indexes(entity)}"""
    change = Change(entity=entity.name, title=f"Make a table for {entity.name}", statement=statement)
    return [change, *_policies(entity)]


def alter(entity: Entity, old: Entity, present: Mapping[str, str]) -> list[Change]:
    """Bring a table to a newer schema. Columns of fields that are gone stay; a changed type widens to jsonb.

    `entity` has the kinds of `kinds_after`; `present` are the columns that are there.
    """
    added = [_add(entity, field) for field in entity.fields if field.kind and field.name not in present]
    widened = [
        _widen(entity, field)
        for field in entity.fields
        if field.kind == "json" and present.get(field.name, "json") != "json"
    ]
    told_of = told(entity, old)
    changed = {item.operation: item for item in differences.row_rules(entity, old)}
    if not widened:
        return [*added, *told_of, *(_policy_change(entity, item) for item in changed.values())]
    # PostgreSQL changes no type under a policy, so all are written anew.
    anew = [
        _policy_change(entity, changed[change_of]) if change_of in changed else written
        for change_of, written in zip(rules.OPERATIONS, _policies(entity), strict=True)
    ]
    return [*added, *told_of, _without_policies(entity), *widened, *anew]


def told(entity: Entity, old: Entity) -> list[Change]:
    """Say what about its fields asks, though no statement is needed for it."""
    return [
        Change(entity=entity.name, title=item.title, statement="", asks=item.asks, takes=item.takes)
        for item in differences.fields(entity, old)
    ]


def _policy_change(entity: Entity, found: Difference) -> Change:
    operation = found.operation
    statement = _policy_anew(entity, operation, rules.rules_of(entity)[operation])
    return Change(entity=entity.name, title=found.title, statement=statement, asks=found.asks, takes=found.takes)


def _policies(entity: Entity) -> list[Change]:
    """Write all row rules as policies; row security without a policy denies."""
    return [
        Change(
            entity=entity.name,
            title=f"{entity.name}: {differences.sentence(operation, rule)}",
            statement=_policy_anew(entity, operation, rule),
        )
        for operation, rule in rules.rules_of(entity).items()
    ]


def _policy_anew(entity: Entity, operation: str, rule: object) -> str:
    gone = f"drop policy if exists {identifier(operation)} on {names.table(entity)};"
    return f"{gone}\n{_policy(entity, operation, rule)};"


def kinds_after(entity: Entity, present: Mapping[str, str], loose: Collection[str]) -> dict[str, str]:
    """What each column will hold: json where the type has changed, or where records hold something else (`loose`)."""
    found = {}
    for field in entity.fields:
        changed = present.get(field.name, field.kind) != field.kind
        found[field.name] = "json" if field.kind and (changed or field.name in loose) else field.kind
    return found


def _policy(entity: Entity, operation: str, rule: object) -> str:
    condition = rules.allows(entity, rule)
    head = f"create policy {identifier(operation)} on {names.table(entity)}"
    who = "to anon, authenticated"
    if operation == "create":
        return f"{head} for insert {who} with check ({condition})"
    if operation == "read":
        return f"{head} for select {who} using ({condition} or (select base44.is_writing()))"
    if operation == "update":
        return f"{head} for update {who} using ({condition}) with check (true)"
    return f"{head} for delete {who} using ({condition})"


def _indexes(entity: Entity) -> str:
    """Hash indexes, because a text of any length fits into one and rules ask for equality."""
    at, named = names.table(entity), _named(entity)
    wanted = [
        field.name
        for field in entity.fields
        if field.kind == "text" and (field.name.endswith(("_id", "_email")) or field.name in named)
    ]
    hashed = "\n".join(f"create index on {at} using hash ({identifier(name)});" for name in (*_OWNERS, *wanted))
    return f"create index on {at} (created_date, id);\n{hashed}"


def _named(entity: Entity) -> str:
    """The rules as text, to see which fields they name."""
    return repr(rules.rules_of(entity))


def _add(entity: Entity, field: Field) -> Change:
    """Add a column and move into it what records have had under its name; what does not fit keeps the field loose."""
    at, own, key = names.table(entity), identifier(field.name), literal(field.name)
    if field.kind == "json":
        take = f"{REST} -> {key}"
        fits = f"{REST} ? {key} and {REST} -> {key} <> 'null'"
    else:
        take = f"({REST} ->> {key})::{_TYPES[field.kind].split()[0]}"
        fits = f"jsonb_typeof({REST} -> {key}) = '{_FITS[field.kind]}'"
    return Change(
        entity=entity.name,
        title=f"{entity.name}: add {field.name}",
        statement=f"alter table {at} add column {own} {_TYPES[field.kind]};\n"
        f"update {at} set {own} = {take}, {REST} = {REST} - {key} where {fits};",
    )


def _without_policies(entity: Entity) -> Change:
    at = names.table(entity)
    statement = "\n".join(f"drop policy if exists {identifier(name)} on {at};" for name in rules.OPERATIONS)
    return Change(entity=entity.name, title=f"{entity.name}: take its policies off for a moment", statement=statement)


def _widen(entity: Entity, field: Field) -> Change:
    at, own = names.table(entity), identifier(field.name)
    return Change(
        entity=entity.name,
        title=f"{entity.name}: {field.name} has another type now, so its column takes any value",
        statement=f"alter table {at} alter column {own} type jsonb using to_jsonb({own});",
    )
