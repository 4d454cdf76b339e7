"""Plant one row in one table: insert until it fits what PostgreSQL asks."""

import itertools
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg

from freehold.data.probe import values
from freehold.data.probe.garden import Garden, Row
from freehold.data.probe.objects import USERS, Column, Objects, Reference, Relation
from freehold.data.probe.stage import Stage, User, literal, name

TRIES = 60


@dataclass
class Planter:
    """For one table and one of the three users; `alternatives` are values that a constraint leaves to try."""

    stage: Stage
    objects: Objects
    garden: Garden
    relation: Relation
    who: str
    user: User
    alternatives: dict[str, Iterator[tuple[Any, ...]]] = field(default_factory=dict)

    def row(self) -> Row | None:
        """Insert until it fits, changing what PostgreSQL complains about; None after too many tries."""
        given = self._values()
        if given is None:
            return None
        minimal = False
        message = ""
        for _ in range(TRIES):
            try:
                return self._insert(given)
            except psycopg.Error as error:
                message = error.diag.message_primary or str(error).strip()
                self._recover()
                if self._mend(given, error):
                    continue
                if error.sqlstate == "23505" and (row := self._row_that_is_there()):
                    return row
                if minimal:
                    break
                minimal = True
                given = {key: value for key, value in given.items() if self._is_needed(key)}
        self._fail(message)
        return None

    def _fail(self, why: str) -> None:
        """Note why there is no row; a third person's is not missed."""
        if self.who != "c":
            self.garden.failures[self.relation.oid] = why

    def _recover(self) -> None:
        self.stage.connection.execute("reset role; set local session_replication_role = origin")

    def _row_that_is_there(self) -> Row | None:
        """Take the one row of a table of settings: it belongs to nobody, and its place is taken."""
        table = name(self.relation.schema, self.relation.name)
        statement = f"select t.tableoid::bigint, t.ctid::text, to_jsonb(t) from {table} as t limit 1"
        with self.stage.acting(self.stage.owner):
            rows = self.stage.tried(statement)
        return Row(table=rows[0][0], ctid=rows[0][1], values=rows[0][2]) if rows else None

    def _values(self) -> dict[str, Any] | None:
        given: dict[str, Any] = {}
        references = {column: item for item in self.relation.references for column in item.columns}
        users = self.objects.user_columns.get(self.relation.oid, ())
        for column in self.relation.columns:
            if column.generated:
                continue
            if column.name in users:
                given[column.name] = self.user.id
            elif column.name in references:
                value = self._referred(references[column.name], column)
                if value is None and column.required and not column.default:
                    target = references[column.name].target_name
                    self._fail(f"{column.name} needs a row of {target}")
                    return None
                given[column.name] = value
            elif not column.default or values.is_special(column):
                given[column.name] = values.first(column, self.relation, self.user)
        return given

    def _referred(self, reference: Reference, column: Column) -> Any:  # noqa: ANN401
        if reference.target_name == USERS:
            return self.user.id
        row = self.garden.rows.get((reference.target, self.who))
        place = reference.columns.index(column.name)
        return row.values.get(reference.target_columns[place]) if row else None

    def _is_needed(self, key: str) -> bool:
        column = self.relation.column(key)
        users = self.objects.user_columns.get(self.relation.oid, ())
        referring = {name for item in self.relation.references for name in item.columns}
        return column is not None and ((column.required and not column.default) or key in users or key in referring)

    def _insert(self, given: dict[str, Any]) -> Row:
        table = name(self.relation.schema, self.relation.name)
        columns = ", ".join(name(key) for key in given)
        source = f"jsonb_populate_record(null::{table}, {literal(json.dumps(given))}::jsonb)"
        body = f"({columns}) select {columns} from {source}" if given else "default values"
        statement = f"insert into {table} as t {body} returning t.tableoid::bigint, t.ctid::text, to_jsonb(t)"
        with self.stage.quietly():
            found = self.stage.tried(statement)[0]
        return Row(table=found[0], ctid=found[1], values=found[2])

    def _mend(self, given: dict[str, Any], error: psycopg.Error) -> bool:
        """Change the values that the error speaks of; False when nothing more can be changed."""
        match error.sqlstate:
            case "23514":
                return self._next_alternative(given, error.diag.constraint_name or "")
            case "23502":
                column = self.relation.column(error.diag.column_name or "")
                if column is None or given.get(column.name) is not None:
                    return False
                given[column.name] = values.typed(column, self.user)
                return given[column.name] is not None
            case "23505":
                return self._vary_key(given, error.diag.constraint_name or "")
            case "22001":
                short = {key: value[:2] for key, value in given.items() if isinstance(value, str) and " " in value}
                given.update(short)
                return bool(short)
            case _:
                return False

    def _next_alternative(self, given: dict[str, Any], constraint: str) -> bool:
        checks = [check for check in self.relation.checks if check.name in {constraint, ""}]
        check = next((item for item in checks if item.name == constraint), checks[0] if checks else None)
        if check is None:
            return False
        found = [self.relation.column(key) for key in check.columns]
        columns = [column for column in found if column is not None and not column.generated]
        if check.name not in self.alternatives:
            options = [[*self._options(column, check.definition)] for column in columns]
            self.alternatives[check.name] = itertools.islice(itertools.product(*options), TRIES)
        chosen = next(self.alternatives[check.name], None)
        if chosen is None:
            return False
        given.update(zip((column.name for column in columns), chosen, strict=True))
        return True

    def _options(self, column: Column, definition: str) -> Iterator[Any]:
        """Give the values that a column may have; where a row needs two people or two parents, a third one's."""
        reference = next((item for item in self.relation.references if column.name in item.columns), None)
        if column.name in self.objects.user_columns.get(self.relation.oid, ()):
            yield from (self.user.id, self.stage.c.id)
            if not column.required:
                yield None
        elif reference is not None:
            for who in (self.who, "c"):
                row = self.garden.rows.get((reference.target, who))
                if row is not None:
                    yield row.values.get(reference.target_columns[reference.columns.index(column.name)])
            if not column.required:
                yield None
        else:
            yield from values.candidates(column, definition, self.user)

    def _vary_key(self, given: dict[str, Any], constraint: str) -> bool:
        suffix = uuid.uuid4().hex[:8]
        users = self.objects.user_columns.get(self.relation.oid, ())
        key = next((columns for _, columns in self.relation.keys if columns and not columns <= {*users}), frozenset())
        changed = False
        for column in key if constraint else ():
            value = given.get(column)
            if column not in users and isinstance(value, str) and " " in value:
                given[column] = f"{value} {suffix}"
                changed = True
            elif column not in users and isinstance(value, int) and not isinstance(value, bool):
                given[column] = value + 1
                changed = True
        return changed
