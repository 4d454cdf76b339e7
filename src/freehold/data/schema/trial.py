"""Try the statements of all files in order, and again when what they lacked has come."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from freehold.core.inventory import MigrationFile
from freehold.data.migrations.decisions import Database
from freehold.data.migrations.segments import Planned, plan_statements
from freehold.data.migrations.statements import Statement, salvaged
from freehold.data.schema import effects
from freehold.data.schema.causes import RETRIED, Failure
from freehold.data.schema.effects import Identity
from freehold.data.schema.record import Entry
from freehold.data.schema.session import Session
from freehold.kit import postgres

PASSES = 5
ATTEMPTS = 12
BUDGET_SECONDS = 300
"""For all statements of an app together; what is left then is not tried."""
_LOCAL = re.compile(r"^(\s*set)\s+local\b", re.IGNORECASE)


@dataclass
class _Tried:
    """One statement and how it went."""

    path: str
    planned: Planned
    settings: list[str]
    """What the file had set before this statement."""
    failure: Failure | None = None
    attempts: int = 0
    outdated: bool = False
    """Whether a later statement about the same thing ran, so that this one must not."""

    @property
    def lacks(self) -> str:
        return self.failure.lacks if self.failure else ""


@dataclass
class Trial:
    """`session` runs the files as they come, `second` runs statements again."""

    admin: postgres.Connection
    session: Session
    second: Session
    database: Database
    _tried: list[_Tried] = field(default_factory=list)
    _waiting: dict[str, list[int]] = field(default_factory=dict)
    _settled: dict[Identity, int] = field(default_factory=dict)
    _dropped: list[tuple[Identity, int]] = field(default_factory=list)
    _deadline: float = 0.0

    def run(self, files: Sequence[MigrationFile]) -> tuple[Entry, ...]:
        """Run every file once in order, then what failed again until nothing changes; give every statement's end."""
        self._deadline = time.monotonic() + BUDGET_SECONDS
        try:
            for file in files:
                self._run_file(file)
            self._until_nothing_changes()
        finally:
            self.admin.execute("delete from freehold.approved")
        return tuple(_entry(item) for item in self._tried)

    def resume(
        self, files: Sequence[MigrationFile], recorded: Mapping[tuple[str, int, str], Failure | None]
    ) -> tuple[Entry, ...]:
        """Run again what failed, in a database that something was added to; give how each of them ends now.

        `recorded` has how each statement went, by path, number and hash; one that it does not have is left alone.
        """
        self._deadline = time.monotonic() + BUDGET_SECONDS
        failed: list[_Tried] = []
        try:
            for file in files:
                failed += self._recall_file(file, recorded)
            self._until_nothing_changes()
        finally:
            self.admin.execute("delete from freehold.approved")
        return tuple(_entry(item) for item in failed)

    def failed(self) -> tuple[tuple[Statement, Failure], ...]:
        """Give the statements that failed and that nothing later made needless."""
        return tuple(
            (item.planned.statement, item.failure)
            for position, item in enumerate(self._tried)
            if item.failure is not None and not self._is_outdated(position)
        )

    def _recall_file(
        self, file: MigrationFile, recorded: Mapping[tuple[str, int, str], Failure | None]
    ) -> Iterable[_Tried]:
        settings: list[str] = []
        for planned in self._planned(file):
            position, key = len(self._tried), (file.path, planned.number, planned.statement.sha256)
            item = _Tried(file.path, planned, [*settings], failure=recorded.get(key))
            self._tried.append(item)
            if item.failure is not None:
                yield item
            elif key in recorded and planned.outcome == "applied":
                self._settle(position)
            if planned.statement.kind == "variable_set":
                settings.append(_LOCAL.sub(r"\1", planned.sent))

    def _planned(self, file: MigrationFile) -> list[Planned]:
        plan = plan_statements(file, salvaged(file.sql), self.database)
        with self.admin.transaction():
            for item in plan.approved:
                self.admin.execute(
                    "insert into freehold.approved (token, kind, statement, path) values (%s, %s, %s, %s)",
                    (item.token, item.role, item.text, file.path),
                )
        return [planned for segment in plan.segments for planned in segment.planned]

    def _run_file(self, file: MigrationFile) -> None:
        settings: list[str] = []
        for planned in self._planned(file):
            position = len(self._tried)
            self._tried.append(_Tried(file.path, planned, [*settings]))
            self._attempt(position, self.session)
            if planned.statement.kind == "variable_set":
                settings.append(_LOCAL.sub(r"\1", planned.sent))
        self.session.reset()

    def _attempt(self, position: int, session: Session) -> bool:
        """Run one statement, note how it went, and when it went well let those run that waited for it."""
        item = self._tried[position]
        self._unwait(position)
        item.attempts += 1
        item.failure = self._send(item, session)
        if item.failure is not None:
            if item.failure.lacks and item.failure.cause in RETRIED and item.attempts < ATTEMPTS:
                self._waiting.setdefault(item.lacks, []).append(position)
            return False
        if item.planned.outcome == "applied":
            self._settle(position)
            self._wake(effects.provides(item.planned.statement))
        return True

    def _send(self, item: _Tried, session: Session) -> Failure | None:
        statement = item.planned.statement
        if statement.kind == "copy" and not statement.node.filename:
            return Failure("0A000", "COPY with data inside the file", "not supported")
        if not item.planned.sent:
            return None
        if time.monotonic() > self._deadline:
            return Failure("57014", f"not tried: the app's statements took {BUDGET_SECONDS} s", "time")
        text = item.planned.sent
        if statement.kind == "variable_set":
            text = _LOCAL.sub(r"\1", text)
        return session.run(text, kind=statement.kind)

    def _again(self, position: int) -> bool:
        """Run a statement that failed before, with what its own file had set, unless it is outdated by now."""
        item = self._tried[position]
        item.outdated = self._is_outdated(position)
        if item.outdated or item.attempts >= ATTEMPTS:
            self._unwait(position)
            return False
        if item.settings:
            for text in item.settings:
                self.second.run(text, kind="variable_set")
        done = self._attempt(position, self.second)
        if item.settings:
            self.second.reset()
        return done

    def _wake(self, names: Iterable[str]) -> None:
        for position in sorted({position for name in names for position in self._waiting.get(name, ())}):
            if self._tried[position].failure is not None:
                self._again(position)

    def _unwait(self, position: int) -> None:
        places = self._waiting.get(self._tried[position].lacks, [])
        if position in places:
            places.remove(position)

    def _until_nothing_changes(self) -> None:
        for _ in range(PASSES):
            failed = [
                position
                for position, item in enumerate(self._tried)
                if item.failure is not None and item.failure.cause in RETRIED
            ]
            if not [position for position in failed if self._tried[position].failure and self._again(position)]:
                return

    def _settle(self, position: int) -> None:
        for identity in effects.settles(self._tried[position].planned.statement):
            if identity[0] == "dropped" or len(identity) == len(("function", "name")):
                self._dropped.append((identity, position))
            self._settled[identity] = max(position, self._settled.get(identity, 0))

    def _is_outdated(self, position: int) -> bool:
        for identity in effects.settles(self._tried[position].planned.statement):
            if self._settled.get(identity, -1) > position:
                return True
            if any(later > position and effects.is_settled_by(identity, one) for one, later in self._dropped):
                return True
        return False


def _entry(item: _Tried) -> Entry:
    planned, failure = item.planned, item.failure
    note = planned.note
    if failure is not None and item.outdated:
        note = "; ".join(part for part in (note, "a later statement about the same thing ran") if part)
    return Entry(
        path=item.path,
        number=planned.number,
        line=planned.statement.line,
        kind=planned.statement.kind,
        sha256=planned.statement.sha256,
        outcome="failed" if failure else planned.outcome,
        role=planned.role,
        note=note,
        sqlstate=failure.sqlstate if failure else "",
        message=failure.message if failure else "",
        cause=("outdated" if item.outdated else failure.cause) if failure else "",
        attempts=max(item.attempts, 1),
    )
