"""PgBouncer in front of a database: a transaction pooler, as hosts put before theirs."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from loopback import held_port
from psycopg import conninfo

from freehold.core.secret import Secret
from freehold.kit import postgres
from freehold.testing.database import FreshDatabase

NOBODY = 65534
"""pgbouncer refuses to run as root."""


@contextlib.contextmanager
def pooled(database: FreshDatabase, login_dsn: str, *settings: str) -> Iterator[str]:
    """Start it for one login, with more lines of settings; gives an address that needs no password."""
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    with held_port() as port:
        yield from _running(program, port, database, conninfo.conninfo_to_dict(login_dsn), *settings)


def _running(
    program: str, port: int, database: FreshDatabase, login: Mapping[str, object], *settings: str
) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="fh-", dir="/tmp"))
    file = folder / "pgbouncer.ini"
    file.touch(0o600)
    more = "\n".join(settings)
    file.write_text(f"""
[databases]
app = host={database.host} port={database.port} dbname={database.name} user={login["user"]} password={login["password"]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
{more}
""")
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, user, user)
        os.chown(file, user, user)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, str(file)], stdout=log, stderr=log, user=user, group=user)
    try:
        dsn = f"host=127.0.0.1 port={port} dbname=app user=anybody"
        _wait_until_it_answers(dsn)
        yield dsn
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)


def _wait_until_it_answers(dsn: str) -> None:
    for _ in range(300):
        if postgres.answers(Secret(dsn)):
            return
        time.sleep(0.1)
    pytest.fail("the pooler does not answer")
