"""An address that leads to a transaction pooler is refused with the address to take: a copy needs one session."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo
from stand_in import free_port

from freehold.core.errors import DatabaseUnavailable
from freehold.core.secret import Secret
from freehold.data.move import decisions
from freehold.data.sources.live import open_live, reaching
from freehold.testing import database as databases

NOBODY = 65534


@pytest.fixture(params=["refuses", "drops"])
def pooler(request: pytest.FixtureRequest, source: databases.FreshDatabase) -> Iterator[str]:
    """A pooler refuses a session's settings, or drops them, as it was told."""
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    login = conninfo.conninfo_to_dict(source.superuser_dsn)
    port, folder = free_port(), Path(tempfile.mkdtemp(prefix="fh-", dir="/tmp"))
    drops = "ignore_startup_parameters = options" if request.param == "drops" else ""
    settings = folder / "pgbouncer.ini"
    settings.touch(0o600)
    settings.write_text(f"""
[databases]
app = host={source.host} port={source.port} dbname={source.name} user={login["user"]} password={login["password"]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
{drops}
""")
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None:
        os.chown(folder, user, user)
        os.chown(settings, user, user)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program, str(settings)], stdout=log, stderr=log, user=user, group=user)
    try:
        dsn = f"host=127.0.0.1 port={port} dbname=app user=anybody"
        until_open(dsn)
        yield dsn
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder)


def until_open(dsn: str) -> None:
    for _ in range(300):
        try:
            psycopg.connect(dsn).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the pooler does not answer")


def test_a_transaction_pooler_is_refused_with_the_address_to_take(pooler: str) -> None:
    with (
        pytest.raises(DatabaseUnavailable) as refused,
        open_live(Secret(pooler), decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS),
    ):
        pass
    assert "not a transaction pooler's" in refused.value.hint


def test_an_address_with_options_of_its_own_keeps_them(source: databases.FreshDatabase) -> None:
    """Ours are added: without them row security could hide rows, and texts would differ."""
    own = conninfo.make_conninfo(source.superuser_dsn, options="-c work_mem=5MB -c search_path=public")
    with reaching.connected(Secret(own)) as connection:
        row = connection.execute("select current_setting('work_mem'), current_setting('row_security')").fetchone()
        assert row == ("5MB", "off")
        assert connection.info.get_parameters()["keepalives_idle"] == "30", "a line may be cut without a word"


def test_a_direct_address_that_is_out_of_reach_names_the_one_that_is_not() -> None:
    dsn = Secret("postgresql://postgres:x@db.abcdefghijklmnopqrst.supabase.co:5432/postgres?hostaddr=127.0.0.1&port=1")
    with pytest.raises(DatabaseUnavailable) as away, reaching.connected(dsn):
        pass
    assert "session pooler" in away.value.hint
