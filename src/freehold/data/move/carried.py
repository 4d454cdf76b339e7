"""What is rows at the source and things here: scheduled jobs, names of secrets, the history of migrations, settings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql

from freehold.data.move import ledger
from freehold.data.move.decisions import PLATFORM_ROLES
from freehold.data.move.ledger import Item
from freehold.data.sources.copy_text import lines, values
from freehold.data.sources.toc import TEXT, Entry, Membership, Setting, Source
from freehold.kit import postgres

NOTE_LENGTH = 300
SAFE_SETTINGS = frozenset(
    {"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone", "datestyle"}
)
OWN_ROLES = frozenset({"anon", "authenticated", "service_role", "authenticator"})
_SECRET = re.compile(r"secret|password|token|key", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Carrier:
    """Reads such rows at the source and makes the thing at the target."""

    source: Source
    admin: postgres.Connection
    owner: str

    def carry(self, entry: Entry, item: Item) -> None:
        """Carry over one table's rows by the way that was decided."""
        acts = {"cron jobs": self._jobs, "vault names": self._secrets, "baseline": self._history, "count": self._count}
        acts[item.way](entry, item)

    def settings(self, found: tuple[Setting, ...]) -> None:
        """Carry settings of roles and of the database over, as far as they say nothing about the server."""
        for setting in found:
            self._setting(setting)

    def memberships(self, found: tuple[Membership, ...]) -> None:
        """Give roles of the app to those that had them: a token may name such a role."""
        ours = OWN_ROLES | PLATFORM_ROLES | {self.owner, "postgres"}
        for item in found:
            if item.role in ours:
                continue
            shown = f"{item.role} to {item.member}"
            if item.member not in OWN_ROLES:
                why = "Freehold has its own" if item.member in ours else "logins did not come along"
                ledger.add(self.admin, "ROLE GIVEN", shown, "replaced" if item.member in ours else "left", why)
            elif not self._has_role(item.role):
                ledger.add(self.admin, "ROLE GIVEN", shown, "left", "nothing that was moved names this role")
            else:
                names = sql.Identifier(item.role), sql.Identifier(item.member)
                self.admin.execute(sql.SQL("grant {} to {}").format(*names))
                ledger.add(self.admin, "ROLE GIVEN", shown, "moved")

    def _has_role(self, name: str) -> bool:
        return self.admin.execute("select from pg_catalog.pg_roles where rolname = %s", (name,)).fetchone() is not None

    def _jobs(self, entry: Entry, item: Item) -> None:
        failed = 0
        for row in self._rows(entry):
            name = row.get("jobname") or f"job {row.get('jobid')}"
            try:
                with self.admin.transaction():
                    self._job(row)
            except psycopg.Error as error:
                failed += 1
                words = (error.diag.message_primary or str(error))[:NOTE_LENGTH]
                ledger.add(self.admin, "CRON JOB", name, "failed", words)
            else:
                ledger.add(
                    self.admin, "CRON JOB", name, "moved", "" if row.get("active") == "t" else "switched off, as there"
                )
        ledger.settle(self.admin, item.position, "failed" if failed else "moved")

    def _job(self, row: dict[str, str | None]) -> None:
        values = {
            "schedule": row.get("schedule"), "command": row.get("command"), "active": row.get("active") == "t",
            "name": row.get("jobname"), "owner": self.owner,
        }  # fmt: skip
        self.admin.execute(
            "delete from cron.job where username = %(owner)s and (jobname = %(name)s"
            " or (%(name)s::text is null and jobname is null and schedule = %(schedule)s and command = %(command)s))",
            values,
        )
        self.admin.execute(
            "insert into cron.job (schedule, command, database, username, active, jobname)"
            " values (%(schedule)s, %(command)s, current_database(), %(owner)s, %(active)s, %(name)s)",
            values,
        )

    def _secrets(self, entry: Entry, item: Item) -> None:
        """Names only: the values are encrypted with a key that stays with the old server."""
        rows = list(self._rows(entry))
        if not rows:
            ledger.settle(self.admin, item.position, "replaced", "it is empty")
            return
        for row in rows:
            note = "set it again: select vault.create_secret('VALUE', 'NAME')"
            ledger.add(self.admin, "VAULT SECRET", row.get("name") or str(row.get("id")), "left", note)
        ledger.settle(self.admin, item.position, "left", item.note)

    def _history(self, entry: Entry, item: Item) -> None:
        found = [[row.get("version") or "", row.get("name") or ""] for row in self._rows(entry)]
        ledger.keep_setting(self.admin, "source_migrations", found)
        ledger.settle(self.admin, item.position, "moved", f"{len(found)} versions, as this database's baseline")

    def _count(self, entry: Entry, item: Item) -> None:
        """A table that Freehold does not have: harmless when it is empty."""
        count = sum(1 for _ in self._rows(entry))
        if count:
            ledger.settle(self.admin, item.position, "left", f"{count} rows: {item.note}")
        else:
            ledger.settle(self.admin, item.position, "replaced", "it is empty")

    def _rows(self, entry: Entry) -> Iterator[dict[str, str | None]]:
        columns = self.source.columns(entry)
        for part in self.source.parts(entry):
            for found in lines(self.source.rows(entry, part, columns, TEXT)):
                for line in found:
                    yield dict(zip(columns, values(line), strict=True))

    def _setting(self, setting: Setting) -> None:
        shown = f"{setting.role or 'database'} {setting.name}"
        if setting.name.startswith("app.") and _SECRET.search(setting.name):
            ledger.add(self.admin, "SETTING", shown, "left", "it looks like a secret: set it again")
            return
        known = setting.role in OWN_ROLES or not setting.role
        if not known or not (setting.name in SAFE_SETTINGS or "." in setting.name):
            ours = setting.role in PLATFORM_ROLES or setting.name in ("search_path", "session_preload_libraries")
            outcome = "replaced" if ours else "left"
            ledger.add(self.admin, "SETTING", shown, outcome, "Freehold sets its own roles and server itself")
            return
        row = self.admin.execute("select current_database()").fetchone()
        whom = (
            sql.SQL("role {} in database {}").format(
                sql.Identifier(setting.role), sql.Identifier(str(row[0] if row else ""))
            )
            if setting.role
            else sql.SQL("database {}").format(sql.Identifier(str(row[0] if row else "")))
        )
        name = sql.SQL(".").join(map(sql.Identifier, setting.name.split(".")))
        statement = sql.SQL("alter {} set {} = {}").format(whom, name, sql.Literal(setting.value))
        self.admin.execute(statement)
        ledger.add(self.admin, "SETTING", shown, "moved")
