"""Make the source's objects in the target, each in a transaction that also marks its line of the ledger."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import postgast
import psycopg
from psycopg import sql

from freehold.core.errors import DatabaseUnavailable
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.data.migrations import statements
from freehold.data.move import ledger
from freehold.data.move.ledger import Item
from freehold.data.sources.toc import Entry
from freehold.kit import postgres

NEEDS_SUPERUSER = frozenset(
    {"CAST", "OPERATOR CLASS", "OPERATOR FAMILY", "TRANSFORM", "ACCESS METHOD", "TEXT SEARCH TEMPLATE"}
    | {"TEXT SEARCH PARSER", "PROCEDURAL LANGUAGE", "SHELL TYPE", "PUBLICATION", "PUBLICATION TABLES IN SCHEMA"}
)
_NO_ROLE = re.compile(r'role "(?P<name>.+)" does not exist')
_WITH_SCHEMA = re.compile(r'WITH SCHEMA (?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[^\s;]+))', re.IGNORECASE)
_FOR_ROLE = re.compile(r'FOR ROLE (?:"(?:[^"]|"")+"|\S+)')
_SETVAL = re.compile(
    r"SELECT pg_catalog\.setval\('(?P<name>[^']+)', (?P<value>-?\d+), (?P<called>true|false)\);?", re.IGNORECASE
)
NOTE_LENGTH = 400


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Both connections to the target; `owner` is the name of the role that owns the app's objects."""

    admin: postgres.Connection
    app: postgres.Connection
    owner: str

    def make_all(self, entries: Sequence[Entry], items: dict[int, Item], report: Report) -> None:
        """Make what is not made yet; what fails is tried again once the others are there, then written down."""
        pending = [entry for entry in entries if items[entry.number].outcome in ("", "failed")]
        total = len(pending)
        made = 0
        while pending:
            failed: list[tuple[Entry, psycopg.Error]] = []
            for entry in pending:
                error = self._try(entry, items[entry.number])
                if error is not None:
                    failed.append((entry, error))
                    continue
                made += 1
                report(_progress(entry, made, total))
            if len(failed) == len(pending):
                for entry, error in failed:
                    self._give_up(entry, error)
                return
            pending = [entry for entry, _ in failed]

    def _try(self, entry: Entry, item: Item) -> psycopg.Error | None:
        try:
            self._make(entry, item)
        except psycopg.errors.UndefinedObject as error:
            missing = _NO_ROLE.search(str(error))
            if missing is None:
                return error
            self._make_role(missing["name"])
            return self._try(entry, item)
        except psycopg.errors.DiskFull:
            raise  # the next object would not fit either
        except psycopg.OperationalError as error:
            if self.admin.closed or self.app.closed:
                raise _gone(error) from None
            return error
        except psycopg.Error as error:
            return error
        return None

    def _make(self, entry: Entry, item: Item) -> None:
        if item.way == "extension":
            self._extension(entry, item)
        elif item.way == "administrator":
            self._as_admin(entry.definition, item)
        elif item.way.startswith("policy as "):
            self._as_table_owner(entry, item)
        elif entry.kind == "FK CONSTRAINT":
            self._foreign_key(entry, item)
        elif item.way == "queue":
            self._queue(entry, item)
        elif item.way == "default rights":
            named = sql.Identifier(self.owner).as_string(self.app)
            self._as_owner(_FOR_ROLE.sub(lambda _: f"FOR ROLE {named}", entry.definition), item)
        else:
            self._as_owner(entry.definition, item)

    def _as_owner(self, definition: str, item: Item) -> None:
        with self.app.transaction():
            self.app.execute(definition.encode())
            self.app.execute("reset all")
            self.app.execute("reset role")
            self.app.execute("select freehold_gate.moved(%s)", (item.token,))

    def _foreign_key(self, entry: Entry, item: Item) -> None:
        """Adding it looks through all rows. Where the source's own rows break it, it is there for new rows only."""
        try:
            self._as_owner(entry.definition, item)
        except psycopg.errors.ForeignKeyViolation as error:
            self._as_owner(f"{entry.definition.rstrip().rstrip(';')} NOT VALID", item)
            words = error.diag.message_detail or ""
            ledger.settle(
                self.admin, item.position, "moved", f"not valid: rows of the source break it. {words}"[:NOTE_LENGTH]
            )

    def _as_admin(self, definition: str, item: Item) -> None:
        """Only for setval of the platform's own sequences: written anew from a pattern."""
        match = _SETVAL.fullmatch(definition.strip())
        if match is None:
            raise psycopg.errors.SyntaxError("the value of this sequence cannot be read")
        with self.admin.transaction():
            values = (match["name"], int(match["value"]), match["called"] == "true")
            self.admin.execute("select pg_catalog.setval(%s::regclass, %s, %s)", values)
            ledger.settle(self.admin, item.position, "moved")

    def _as_table_owner(self, entry: Entry, item: Item) -> None:
        """One statement, written anew from its parse tree, so that nothing can ride along."""
        found = statements(entry.definition)
        if len(found) != 1 or found[0].kind != "create_policy":
            raise psycopg.errors.SyntaxError("this is not one CREATE POLICY")
        text = str(postgast.deparse(postgast.parse(found[0].text)))
        with self.admin.transaction():
            self.admin.execute(sql.SQL("set local role {}").format(sql.Identifier(item.way.removeprefix("policy as "))))
            self.admin.execute(text.encode())
            self.admin.execute("reset role")
            ledger.settle(self.admin, item.position, "moved")

    def _extension(self, entry: Entry, item: Item) -> None:
        match = _WITH_SCHEMA.search(entry.definition)
        schema = (match["quoted"] or match["plain"]).replace('""', '"') if match else "extensions"
        name, place = sql.Identifier(entry.name), sql.Identifier(schema)
        with self.admin.transaction():
            row = self.admin.execute(
                "select n.nspname, e.extrelocatable from pg_catalog.pg_extension as e"
                " join pg_catalog.pg_namespace as n on n.oid = e.extnamespace where e.extname = %s",
                (entry.name,),
            ).fetchone()
            if row is None:
                self.admin.execute(sql.SQL("create extension {} with schema {} cascade").format(name, place))
            elif row[0] != schema and row[1]:
                self.admin.execute(sql.SQL("alter extension {} set schema {}").format(name, place))
            self.admin.execute("delete from freehold.extensions_made_ahead where name = %s", (entry.name,))
            ledger.settle(self.admin, item.position, "moved")

    def _queue(self, entry: Entry, item: Item) -> None:
        """A queue's table and its archive are made together, by the platform's own pgmq.create."""
        with self.app.transaction():
            self.app.execute("select pgmq.create(%s)", (entry.name[2:],))
            self.app.execute("select freehold_gate.moved(%s)", (item.token,))

    def _make_role(self, name: str) -> None:
        """A role that rights are given to; it can do nothing else, and nobody can log in as it."""
        with self.admin.transaction():
            self.admin.execute(sql.SQL("create role {} nologin").format(sql.Identifier(name)))
            ledger.add(self.admin, "ROLE", name, "moved", "without a login: its password did not come along")

    def _give_up(self, entry: Entry, error: psycopg.Error) -> None:
        words = (error.diag.message_primary or str(error).strip())[:NOTE_LENGTH]
        if isinstance(error, psycopg.errors.InsufficientPrivilege) and entry.kind in NEEDS_SUPERUSER:
            ledger.settle(self.admin, entry.number, "left", f"only a superuser may make it: {words}")
        else:
            ledger.settle(self.admin, entry.number, "failed", words)


def suspend_default_rights(admin: postgres.Connection, owner: str) -> None:
    """Take the owner role's default privileges away while objects are made: each gets exactly the source's rights.

    They are kept with the move first; `restore_default_rights` gives them back where the source has none of its own.
    """
    rows = admin.execute(
        "select coalesce(n.nspname, ''), case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences'"
        "   when 'f' then 'functions' when 'T' then 'types' when 'n' then 'schemas' end,"
        "   a.grantee::regrole::text, string_agg(a.privilege_type, ', ')"
        "  from pg_catalog.pg_default_acl as d left join pg_catalog.pg_namespace as n on n.oid = d.defaclnamespace,"
        "       pg_catalog.aclexplode(d.defaclacl) as a"
        " where d.defaclrole = %s::regrole and a.grantee <> d.defaclrole and a.grantee <> 0 and d.defaclnamespace <> 0"
        " group by 1, 2, 3",
        (sql.Identifier(owner).as_string(admin),),
    ).fetchall()
    with admin.transaction():
        if ledger.setting(admin, "default_rights") is None:
            ledger.keep_setting(admin, "default_rights", [list(row) for row in rows])
        for row in rows:
            admin.execute(_default_right(admin, owner, list(row), "revoke {} on {} from {}"))


def restore_default_rights(admin: postgres.Connection, owner: str) -> None:
    """Give back what `suspend_default_rights` took."""
    kept = ledger.setting(admin, "default_rights")
    with admin.transaction():
        for row in kept if isinstance(kept, list) else []:
            admin.execute(_default_right(admin, owner, row, "grant {} on {} to {}"))


def _default_right(admin: postgres.Connection, owner: str, row: list[str], form: str) -> bytes:
    schema, kind, grantee, rights = row
    act = form.format(rights, kind, grantee)
    names = sql.Identifier(owner).as_string(admin), sql.Identifier(schema).as_string(admin)
    return f"alter default privileges for role {names[0]} in schema {names[1]} {act}".encode()


def _progress(entry: Entry, made: int, total: int) -> Event:
    text = f"{made} of {total}: {entry.kind.lower()} {entry.name}"
    return Event(name="progress", text=text, values={"done": made, "of": total, "what": "objects"})


def _gone(error: psycopg.Error) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        "the target's PostgreSQL went away during the move",
        detail=str(error).strip(),
        hint="start it and run the same command again: it goes on where it stopped",
    )
