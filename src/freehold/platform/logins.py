"""Passwords of the login roles, sent as SCRAM verifiers so that no server log ever shows one."""

import base64
import hashlib
import hmac
from dataclasses import dataclass

from psycopg import Connection, sql

from freehold.core.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Logins:
    """Passwords of the roles that log in."""

    authenticator: Secret
    auth_admin: Secret
    storage_admin: Secret
    owner: Secret
    server: Secret | None = None
    """Of the app's own server; without one it cannot log in."""


def set_passwords(connection: Connection, owner: str, logins: Logins) -> None:
    """Give each login role its password; one that has it already is left alone."""
    wanted = {
        "authenticator": logins.authenticator,
        "supabase_auth_admin": logins.auth_admin,
        "supabase_storage_admin": logins.storage_admin,
        owner: logins.owner,
        "freehold_server": logins.server,
    }
    for role, password in wanted.items():
        if password is not None and not _has_password(connection, role, password):
            verifier = connection.pgconn.encrypt_password(
                password.reveal().encode(), role.encode(), b"scram-sha-256"
            ).decode()
            statement = sql.SQL("alter role {} login password {}").format(sql.Identifier(role), sql.Literal(verifier))
            connection.execute(statement)


def _has_password(connection: Connection, role: str, password: Secret) -> bool:
    row = connection.execute(
        "select rolpassword from pg_catalog.pg_authid where rolname = %s and rolcanlogin", (role,)
    ).fetchone()
    return row is not None and row[0] is not None and matches(row[0], password.reveal())


def matches(verifier: str, password: str) -> bool:
    """Say whether a verifier `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>` is of this ASCII password.

    RFC 5803. A password that SASLprep would change only ever compares as different, which sets it anew.
    """
    method, _, rest = verifier.partition("$")
    if method != "SCRAM-SHA-256":
        return False
    parameters, _, keys = rest.partition("$")
    iterations, _, salt = parameters.partition(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(iterations))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    stored = base64.b64encode(hashlib.sha256(client_key).digest()).decode()
    return hmac.compare_digest(stored, keys.partition(":")[0])
