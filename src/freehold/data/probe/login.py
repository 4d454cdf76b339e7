"""A login for the probe alone: no superuser, a member of the roles it acts as, gone when the probe is over.

The app's own functions run in the probe's session and could RESET ROLE: what they would get then is this role.
"""

import contextlib
import secrets
from collections.abc import Iterator

from psycopg import sql

from freehold.core.secret import Secret
from freehold.kit import postgres

PREFIX = "freehold_probe_"
_ACTS_AS = ("anon", "authenticated", "supabase_auth_admin", "supabase_storage_admin")
_LEFT_BEHIND = """
select r.rolname from pg_catalog.pg_roles as r
 where pg_catalog.starts_with(r.rolname, %s)
   and not exists (select from pg_catalog.pg_stat_activity as a where a.usesysid = r.oid)
   and r.rolvaliduntil < pg_catalog.now()
"""


@contextlib.contextmanager
def login(admin: postgres.Connection, admin_dsn: Secret, owner: str) -> Iterator[postgres.Connection]:
    """Make the role, connect as it, and remove it again. Needs a superuser; raises DatabaseUnavailable."""
    for (name,) in admin.execute(_LEFT_BEHIND, (PREFIX,)).fetchall():
        _remove(admin, str(name))
    name, password = f"{PREFIX}{secrets.token_hex(6)}", secrets.token_urlsafe(24)
    role = sql.Identifier(name)
    verifier = admin.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()
    with admin.transaction():
        admin.execute(
            sql.SQL("create role {} login noinherit nosuperuser nocreatedb nocreaterole noreplication").format(role)
        )
        admin.execute(sql.SQL("alter role {} password {}").format(role, sql.Literal(verifier)))
        until = admin.execute("select (now() + '1 hour')::text").fetchone()
        admin.execute(sql.SQL("alter role {} valid until {}").format(role, sql.Literal(str(until[0]) if until else "")))
        for member_of in (*_ACTS_AS, owner):
            admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(member_of), role))
        admin.execute(sql.SQL("grant set on parameter session_replication_role to {}").format(role))
        database = sql.Identifier(admin.info.dbname)
        admin.execute(sql.SQL("grant connect on database {} to {}").format(database, role))
    try:
        with postgres.connect(Secret(postgres.with_login(admin_dsn.reveal(), name, password))) as connection:
            connection.prepare_threshold = None
            yield connection
    finally:
        _remove(admin, name)


def _remove(admin: postgres.Connection, name: str) -> None:
    admin.execute(
        "select pg_catalog.pg_terminate_backend(pid, 5000) from pg_catalog.pg_stat_activity where usename = %s", (name,)
    )
    with admin.transaction():
        admin.execute(sql.SQL("drop owned by {}").format(sql.Identifier(name)))
        admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))
