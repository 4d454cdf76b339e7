"""Policies that PostgreSQL cannot evaluate, because reading their table asks the same table again (42P17).

A replayed history has them where the live database was mended by hand: every read of such a table, and of all that
ask it, is refused. Setting the policy aside gives nobody a right: rows are seen by what the other policies say.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from freehold.kit import postgres

RECURSION = "42P17"
_READS = frozenset({"r", "*"})
_COMMANDS = {"r": "select", "a": "insert", "w": "update", "d": "delete"}
_ROLES = ("authenticated", "anon")
_RULES = r"""
select p.oid, n.nspname, c.relname, p.polname, p.polcmd::text, p.polpermissive, c.oid,
       array(select distinct found[1]::oid
               from regexp_matches(concat(p.polqual::text, p.polwithcheck::text), ':rtekind 0 :relid (\d+)', 'g')
                 as found),
       coalesce(pg_catalog.pg_get_expr(p.polqual, p.polrelid), pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), ''),
       (select a.attname from pg_catalog.pg_attribute as a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
         order by a.attnum limit 1)
  from pg_catalog.pg_policy as p
  join pg_catalog.pg_class as c on c.oid = p.polrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.relrowsecurity and n.nspname not in ('auth', 'storage', 'realtime', 'freehold')
 order by c.relname, p.polname
"""


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """A policy that was dropped; `expression` is what it asked."""

    table: str
    policy: str
    expression: str


@dataclass(frozen=True, kw_only=True)
class _Rule:
    oid: int
    schema: str
    table: str
    name: str
    command: str
    permissive: bool
    relation: int
    asks: frozenset[int]
    expression: str
    column: str | None


def set_aside(admin: postgres.Connection) -> tuple[SetAside, ...]:
    """Drop the policies by which a table asks itself without end, until none is left; gives those that were dropped.

    Only such that grant are dropped: one that restricts stays, and its table stays closed. Of a circle through several
    tables the newest goes, as what was there before it worked.
    """
    gone: list[SetAside] = []
    while True:
        rules = _rules(admin)
        choices = (_chosen(rules, broken) for broken in _broken(admin, rules))
        chosen = next((rule for rule in choices if rule is not None), None)
        if chosen is None:
            return tuple(gone)
        name, table = sql.Identifier(chosen.name), sql.Identifier(chosen.schema, chosen.table)
        admin.execute(sql.SQL("drop policy {} on {}").format(name, table))
        whole = f"{chosen.schema}.{chosen.table}"
        gone.append(SetAside(table=whole, policy=chosen.name, expression=chosen.expression))


def _rules(admin: postgres.Connection) -> list[_Rule]:
    return [
        _Rule(
            oid=row[0],
            schema=row[1],
            table=row[2],
            name=row[3],
            command=row[4],
            permissive=row[5],
            relation=row[6],
            asks=frozenset(row[7]),
            expression=row[8],
            column=row[9],
        )
        for row in admin.execute(_RULES).fetchall()
    ]


def _broken(admin: postgres.Connection, rules: Sequence[_Rule]) -> Iterator[tuple[_Rule, str]]:
    """Tables that cannot be asked, each as one of its rules with the command: reads first, as they break the others."""
    asking = {rule.relation: rule for rule in rules if rule.asks}
    for command in _COMMANDS:
        for rule in asking.values():
            if any(_recurses(admin, rule, command, role) for role in _ROLES):
                yield rule, command


def _recurses(admin: postgres.Connection, rule: _Rule, command: str, role: str) -> bool:
    table = sql.Identifier(rule.schema, rule.table)
    column = sql.Identifier(rule.column or "ctid")
    statement = {
        "r": sql.SQL("explain select from {0}"),
        "a": sql.SQL("explain insert into {0} default values"),
        "w": sql.SQL("explain update {0} set {1} = {1}"),
        "d": sql.SQL("explain delete from {0}"),
    }[command].format(table, column)
    try:
        with admin.transaction(force_rollback=True):
            admin.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))
            admin.execute(statement)
    except psycopg.Error as error:
        return error.sqlstate == RECURSION
    return False


def _chosen(rules: Sequence[_Rule], broken: tuple[_Rule, str]) -> _Rule | None:
    """Choose which rule of a circle goes: one that asks its own table first, then the newest."""
    rule, command = broken
    reading = [item for item in rules if item.command in _READS]
    if command == "r":
        here = _reached(reading, {rule.relation})
        candidates = [item for item in reading if item.relation in here]
    else:
        candidates = [item for item in rules if item.relation == rule.relation and item.command in {command, "*"}]
    granting = [item for item in candidates if item.permissive and item.relation in _reached(reading, item.asks)]
    return max(granting, key=lambda item: (item.relation in item.asks, item.oid), default=None)


def _reached(reading: Sequence[_Rule], starts: Collection[int]) -> set[int]:
    """Every table that reading these tables reads in the end, with themselves."""
    reached, waiting = set(starts), list(starts)
    while waiting:
        relation = waiting.pop()
        further = {asked for rule in reading if rule.relation == relation for asked in rule.asks} - reached
        reached |= further
        waiting += further
    return reached
