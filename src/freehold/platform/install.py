"""Bring a database to the platform's newest revision: roles, schemas and stand-ins for what Supabase adds."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

from psycopg import Connection, errors, sql

from freehold.core.errors import DatabaseUnfit
from freehold.platform import logins
from freehold.platform.logins import Logins

MARK = "The owner of the app's own schema (made by Freehold)"
FALLBACK_OWNER = "freehold_owner"
EXTENSIONS = ("pgcrypto", "uuid-ossp", "pg_trgm", "citext", "unaccent", "vector", "pg_stat_statements")
"""What apps find in schema `extensions`; each is made where the server has it."""
PLACED_BY_APPS = frozenset({"pg_trgm", "citext", "unaccent", "vector"})
"""Extensions that Supabase does not install: an app's CREATE EXTENSION says in which schema it looks for them."""

_LOCK_PAUSE_SECONDS = 0.05
_LOCK = 0x46726565686F6C64


def install(connection: Connection, *, logins: Logins, owner: str | None = None) -> tuple[str, ...]:
    """Apply what is missing and give the names of the revisions applied now.

    The connection belongs to a superuser and is in no transaction. Each revision is one transaction: killed anywhere,
    the next call carries on; two calls at once take turns. Passwords of the login roles are set to `logins` on every
    call. Raises DatabaseUnfit when PostgreSQL refuses or an applied revision has another text now.
    """
    with _explained(), _alone(connection), _lock(connection):
        name = owner or owner_role(connection)
        _ensure_roles(connection, name, logins)
        applied = _apply_revisions(connection, name)
        _ensure_extensions(connection)
    return applied


def open_to_server(connection: Connection) -> None:
    """Let the role of the app's own server reach public, and give it its schema; again and again, as tables come.

    Needs `install`. Raises DatabaseUnfit when another's schema has its name.
    """
    with _explained(), _alone(connection), _lock(connection), connection.transaction():
        connection.execute(_rendered(_text("server.sql"), owner_role(connection), connection))


def owner_role(connection: Connection) -> str:
    """Name the app's owner role: what is recorded here, else `postgres` where that is free or ours.

    A role `postgres` that was there before Freehold is the owner's own administrator: it keeps its password and
    rights, and the app gets `freehold_owner`.
    """
    recorded = connection.execute("select to_regclass('freehold.installation')").fetchone()
    if recorded is not None and recorded[0] is not None:
        row = connection.execute("select owner from freehold.installation").fetchone()
        if row is not None:
            return str(row[0])
    row = connection.execute(
        "select shobj_description(oid, 'pg_authid') from pg_catalog.pg_roles where rolname = 'postgres'"
    ).fetchone()
    return "postgres" if row is None or row[0] == MARK else FALLBACK_OWNER


def is_current(connection: Connection) -> bool:
    """Whether every revision of this version of Freehold is applied as it is here; changes nothing."""
    recorded = connection.execute("select to_regclass('freehold.platform_revisions')").fetchone()
    if recorded is None or recorded[0] is None:
        return False
    known: dict[str, str] = dict(
        connection.execute("select name, checksum from freehold.platform_revisions").fetchall()
    )
    return all(known.get(name) == hashlib.sha256(text.encode()).hexdigest() for name, text in revisions())


def missing_extensions(connection: Connection) -> tuple[str, ...]:
    """Name the extensions that apps may want and that this server does not have."""
    rows = connection.execute("select extname from pg_catalog.pg_extension").fetchall()
    present = {row[0] for row in rows}
    return tuple(name for name in EXTENSIONS if name not in present)


def _ensure_roles(connection: Connection, owner: str, wanted: Logins) -> None:
    with connection.transaction():
        # Advisory locks are per database, roles are not: this makes installations into two databases take turns.
        connection.execute("lock table pg_catalog.pg_authid in share row exclusive mode")
        connection.execute(_rendered(_text("roles.sql"), owner, connection))
        logins.set_passwords(connection, owner, wanted)


def _apply_revisions(connection: Connection, owner: str) -> tuple[str, ...]:
    with connection.transaction():
        connection.execute(_rendered(_text("record.sql"), owner, connection))
    rows = connection.execute("select name, checksum from freehold.platform_revisions").fetchall()
    known: dict[str, str] = dict(rows)
    applied = []
    for name, text in revisions():
        checksum = hashlib.sha256(text.encode()).hexdigest()
        if name not in known:
            _apply(connection, name, checksum, _rendered(text, owner, connection))
            applied.append(name)
        elif known[name] != checksum:
            raise DatabaseUnfit(
                f"platform revision {name} was applied with another text",
                detail=f"recorded {known[name][:12]}, this version of Freehold has {checksum[:12]}",
                hint="use the version of Freehold that installed this database, or a newer one",
            )
    return tuple(applied)


def _apply(connection: Connection, name: str, checksum: str, statement: str) -> None:
    with connection.transaction():
        connection.execute(statement)
        connection.execute("insert into freehold.platform_revisions (name, checksum) values (%s, %s)", (name, checksum))


def revisions() -> tuple[tuple[str, str], ...]:
    """Give every revision's name and SQL, in order."""
    folder = resources.files("freehold.platform").joinpath("revisions")
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda item: item.name)
    return tuple((item.name.removesuffix(".sql"), item.read_text(encoding="utf-8")) for item in files)


def _ensure_extensions(connection: Connection) -> None:
    rows = connection.execute(_text("extensions.sql"), {"wanted": list(EXTENSIONS)}).fetchall()
    for (name,) in rows:
        statement = sql.SQL("create extension if not exists {} schema extensions").format(sql.Identifier(name))
        with connection.transaction():
            connection.execute(statement)
            if name in PLACED_BY_APPS:
                connection.execute(
                    "insert into freehold.extensions_made_ahead values (%s) on conflict do nothing", (name,)
                )


def _text(name: str) -> str:
    return resources.files("freehold.platform").joinpath(name).read_text(encoding="utf-8")


def _rendered(text: str, owner: str, connection: Connection) -> str:
    """Put the owner role's name in, as an identifier for `:"owner"` and as a literal for `:'owner'`."""
    identifier = sql.Identifier(owner).as_string(connection)
    literal = sql.Literal(owner).as_string(connection)
    return text.replace(':"owner"', identifier).replace(":'owner'", literal)


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Transactions of our own, and no function of the app in reach of a name that a superuser writes."""
    before = connection.autocommit
    connection.autocommit = True
    connection.execute("set search_path = pg_catalog, pg_temp")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("reset search_path")
            connection.autocommit = before


@contextmanager
def _lock(connection: Connection) -> Iterator[None]:
    # A session that waits inside PostgreSQL would hold up a CREATE INDEX CONCURRENTLY elsewhere.
    while not _is_true(connection, "select pg_try_advisory_lock(%s)"):
        time.sleep(_LOCK_PAUSE_SECONDS)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("select pg_advisory_unlock(%s)", (_LOCK,))


def _is_true(connection: Connection, query: str) -> bool:
    row = connection.execute(query, (_LOCK,)).fetchone()
    return row is not None and row[0] is True


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except errors.InsufficientPrivilege as error:
        raise DatabaseUnfit(
            "PostgreSQL refused to install the platform schema",
            detail=str(error).strip(),
            hint="connect with a superuser, such as --database-url postgresql://postgres@HOST/DATABASE",
        ) from error
    except errors.Error as error:
        raise DatabaseUnfit("the platform schema could not be installed", detail=str(error).strip()) from error
