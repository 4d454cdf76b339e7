import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from freehold.core.errors import DatabaseUnavailable, ProgramMissing
from freehold.kit import postgres, postgres_processes, programs, tool_cache
from freehold.kit.postgres_data import major_of
from freehold.kit.postgres_programs import PostgresPrograms
from freehold.kit.postgres_server import Cluster
from freehold.testing.database import FreshDatabase, fresh_database

EXTENSIONS = ("pgcrypto", "uuid-ossp", "pg_trgm", "citext", "unaccent", "hstore", "vector", "pg_stat_statements")
FAST = {"fsync": "off"}
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user or mount a small disk")
SERVE = """
import sys, time
from pathlib import Path
from freehold.kit import programs
from freehold.kit.postgres_server import Cluster
cluster = Cluster(Path(sys.argv[1]), programs.postgres(), settings={"fsync": "off"})
address = cluster.start()
print(cluster.pid, address.port, flush=True)
if sys.argv[2] == "stay":
    time.sleep(600)
cluster.stop()
"""


@pytest.fixture(scope="module")
def binaries() -> PostgresPrograms:
    try:
        return programs.postgres()
    except ProgramMissing as missing:
        pytest.skip(f"no PostgreSQL here: {missing.message} {missing.detail}")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's user can reach: tmp_path is closed to everybody but root."""
    made = Path(tempfile.mkdtemp(prefix="fh-", dir="/tmp"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def new_cluster(folder: Path, binaries: PostgresPrograms) -> Iterator[Cluster]:
    made = Cluster(folder / "postgres", binaries, settings=FAST)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def stopped(binaries: PostgresPrograms) -> Iterator[Path]:
    """A cluster that was started once: a copy of it is quicker than another first start."""
    with tempfile.TemporaryDirectory(prefix="fh-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        first = Cluster(Path(folder) / "postgres", binaries, settings=FAST)
        first.start()
        first.stop()
        yield first.folder


@pytest.fixture
def cluster(stopped: Path, new_cluster: Cluster) -> Cluster:
    subprocess.run(["cp", "-a", str(stopped), str(new_cluster.folder)], check=True)
    return new_cluster


def test_a_first_start_gives_a_server_with_every_extension_an_app_may_want(new_cluster: Cluster) -> None:
    address = new_cluster.start()
    with postgres.connect(address.dsn) as connection:
        for name in EXTENSIONS:
            connection.execute(f'create extension "{name}"')
        row = connection.execute(
            "select '[1,2,3]'::vector <-> '[1,2,4]'::vector, gen_random_uuid() <> uuid_generate_v4(),"
            " unaccent('é'), 'A'::citext = 'a', similarity('straße', 'straße'), crypt('x', gen_salt('bf')) like '$2a$%'"
        ).fetchone()
        assert row == (1.0, True, "e", True, 1.0, True)
        settings = dict(connection.execute("select name, setting from pg_settings").fetchall())
    assert settings["data_checksums"] == "on"
    assert settings["server_encoding"] == "UTF8"
    assert settings["wal_level"] == "logical"
    assert settings["listen_addresses"] == "127.0.0.1"
    assert int(settings["max_slot_wal_keep_size"]) > 0
    assert major_of(new_cluster.folder) == int(settings["server_version_num"]) // 10000


def test_durability_is_on_unless_a_test_turns_it_off(folder: Path, binaries: PostgresPrograms) -> None:
    cluster = Cluster(folder / "postgres", binaries)
    try:
        with postgres.connect(cluster.start().dsn) as connection:
            assert connection.execute("show fsync").fetchone() == ("on",)
            assert connection.execute("show full_page_writes").fetchone() == ("on",)
    finally:
        cluster.stop()


def test_nobody_gets_in_without_a_password_by_socket_or_by_tcp(cluster: Cluster) -> None:
    address = cluster.start()
    assert address.socket_folder is not None
    for host in (str(address.socket_folder), "127.0.0.1"):
        for password in ("", "wrong"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(
                    host=host, port=address.port, user=address.superuser, dbname="postgres", password=password
                )
        psycopg.connect(
            host=host,
            port=address.port,
            user=address.superuser,
            dbname="postgres",
            password=address.password.reveal(),
            require_auth="scram-sha-256",
        ).close()


def test_the_password_is_in_no_argument_list_no_log_and_no_error(cluster: Cluster) -> None:
    address = cluster.start()
    password = address.password.reveal()
    lists = b"".join(_read(path) for path in Path("/proc").glob("[0-9]*/cmdline"))
    assert str(cluster.folder).encode() in lists
    assert password.encode() not in lists
    with postgres.connect(address.dsn) as connection, pytest.raises(psycopg.Error):
        connection.execute("alter role nobody password 'hunter2-in-a-statement'")
    cluster.stop()
    with pytest.raises(DatabaseUnavailable) as caught, postgres.connect(address.dsn):
        pass
    log = cluster.log.read_text()
    assert password not in log
    assert "hunter2" not in log
    assert password not in f"{caught.value} {caught.value.detail} {caught.value.hint} {address}"
    assert (cluster.folder / "password").stat().st_mode & 0o777 == 0o600


def test_data_and_port_are_kept_from_one_start_to_the_next(cluster: Cluster) -> None:
    first = cluster.start()
    with postgres.connect(first.dsn) as connection:
        connection.execute("create table kept as select 42 as answer")
    cluster.stop()
    assert not cluster.is_running()
    again = cluster.start()
    assert again == first
    with postgres.connect(again.dsn) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_its_port_is_none_that_an_outgoing_connection_may_have_while_it_is_down(cluster: Cluster) -> None:
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert cluster.start().port < lowest


def test_a_port_that_somebody_took_meanwhile_is_replaced(cluster: Cluster) -> None:
    first = cluster.start()
    cluster.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first.port))
        taken.listen()
        again = cluster.start()
    assert again.port != first.port
    assert cluster.answers()


def test_starting_twice_is_one_server(cluster: Cluster) -> None:
    cluster.start()
    pid = cluster.pid
    cluster.start()
    assert cluster.pid == pid


def test_a_second_process_adopts_the_server_that_runs(cluster: Cluster) -> None:
    address = cluster.start()
    second = _serve(cluster.folder, "stay")
    assert _answer(second) == (cluster.pid, address.port)
    second.kill()
    second.wait()
    assert cluster.answers()


def test_two_first_starts_at_once_make_one_cluster(folder: Path) -> None:
    both = [_serve(folder / "postgres", "stay") for _ in range(2)]
    answers = {_answer(process) for process in both}
    assert len(answers) == 1
    _kill(both)
    _wait_until(lambda: postgres_processes.postmaster(folder / "postgres/data") is None)


def test_kill_9_of_the_server_loses_nothing_that_was_committed(cluster: Cluster) -> None:
    address = cluster.start()
    with postgres.connect(address.dsn) as connection:
        connection.execute("create table kept as select 42 as answer")
    os.kill(cluster.pid, signal.SIGKILL)
    _wait_until(lambda: not cluster.is_running())
    again = cluster.start()
    with postgres.connect(again.dsn) as connection:
        assert connection.execute("select answer from kept").fetchone() == (42,)


def test_a_server_that_was_killed_a_moment_ago_is_started_again(cluster: Cluster) -> None:
    cluster.start()
    held = cluster._child  # or its end is heard of by chance, as it is forgotten
    os.kill(cluster.pid, signal.SIGKILL)
    cluster.start()
    assert held is not None
    assert held.poll() == -signal.SIGKILL


def test_backends_that_outlive_a_killed_server_do_not_stop_the_next_start(cluster: Cluster) -> None:
    address = cluster.start()
    with psycopg.connect(address.dsn.reveal(), autocommit=True) as connection:
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(cluster.pid, signal.SIGKILL)
        _wait_until(lambda: not cluster.is_running())
        os.kill(backend, signal.SIGCONT)
    cluster.start()
    assert cluster.answers()


def test_kill_9_of_freehold_leaves_no_server_and_the_next_start_is_clean(
    folder: Path, binaries: PostgresPrograms
) -> None:
    process = _serve(folder / "postgres", "stay")
    server, port = _answer(process)
    _kill([process])
    _wait_until(lambda: not Path(f"/proc/{server}").exists())
    cluster = Cluster(folder / "postgres", binaries, settings=FAST)
    try:
        assert cluster.start().port == port
    finally:
        cluster.stop()
    assert "received fast shutdown request" in cluster.log.read_text()
    assert "was not properly shut down" not in cluster.log.read_text()


def test_a_start_right_after_kill_9_waits_for_the_old_server_to_end(folder: Path, binaries: PostgresPrograms) -> None:
    process = _serve(folder / "postgres", "stay")
    server, _ = _answer(process)
    _kill([process])
    cluster = Cluster(folder / "postgres", binaries, settings=FAST)
    try:
        cluster.start()
        _wait_until(lambda: not Path(f"/proc/{server}").exists())
        cluster.start()
        assert cluster.pid != server
        assert cluster.answers()
    finally:
        cluster.stop()


def test_a_process_id_that_another_program_has_since_a_reboot_is_no_server(cluster: Cluster) -> None:
    cluster.start()
    recorded = (cluster.folder / "data/postmaster.pid").read_text()
    cluster.stop()
    with subprocess.Popen(["sleep", "600"], **_as_server(cluster)) as other:
        (cluster.folder / "data/postmaster.pid").write_text(f"{other.pid}\n" + recorded.split("\n", 1)[1])
        assert not cluster.is_running()
        cluster.start()
        assert cluster.answers()
        assert other.poll() is None
        other.kill()


def test_stop_ends_its_own_server_though_the_pid_file_does_not_name_it(cluster: Cluster) -> None:
    cluster.start()
    pid = cluster.pid
    (cluster.folder / "data/postmaster.pid").rename(cluster.folder / "data/elsewhere")
    cluster.stop()
    assert not Path(f"/proc/{pid}").exists()


def test_stop_ends_open_transactions_and_stopping_twice_is_no_error(cluster: Cluster) -> None:
    address = cluster.start()
    connection = psycopg.connect(address.dsn.reveal())
    connection.execute("create table open_transaction ()")
    cluster.stop()
    connection.close()
    cluster.stop()
    assert not cluster.is_running()
    assert not cluster.answers()


def test_damaged_data_gives_the_servers_own_words(cluster: Cluster) -> None:
    cluster.start()
    cluster.stop()
    (cluster.folder / "data/global/pg_control").write_bytes(b"\0" * 8192)
    with pytest.raises(DatabaseUnavailable) as caught:
        cluster.start()
    assert "database files are incompatible" in caught.value.detail
    assert str(cluster.log) in caught.value.hint
    assert not cluster.is_running()


def test_data_of_another_major_is_refused_before_it_is_touched(cluster: Cluster) -> None:
    cluster.start()
    cluster.stop()
    (cluster.folder / "data/PG_VERSION").write_text("14\n")
    with pytest.raises(DatabaseUnavailable, match="PostgreSQL 14"):
        cluster.start()


def test_a_lost_password_is_said(cluster: Cluster) -> None:
    cluster.start()
    cluster.stop()
    (cluster.folder / "password").write_text("another")
    with pytest.raises(DatabaseUnavailable, match="is not the database's"):
        cluster.start()
    (cluster.folder / "password").unlink()
    with pytest.raises(DatabaseUnavailable, match="is gone"):
        cluster.start()
    assert not cluster.is_running()


def test_a_first_start_that_was_killed_half_way_is_done_again(new_cluster: Cluster) -> None:
    (new_cluster.folder / "data.new").mkdir(parents=True)
    (new_cluster.folder / "data.new/PG_VERSION").write_text("18\n")
    new_cluster.start()
    assert new_cluster.answers()
    assert not (new_cluster.folder / "data.new").exists()


def test_a_path_too_long_for_a_socket_is_served_by_tcp(folder: Path, binaries: PostgresPrograms) -> None:
    cluster = Cluster(folder / ("long-" * 20), binaries, settings=FAST)
    try:
        address = cluster.start()
        assert address.socket_folder is None
        assert cluster.answers()
    finally:
        cluster.stop()


@AS_ROOT
def test_a_folder_the_servers_user_cannot_pass_is_named_with_what_to_type(
    folder: Path, binaries: PostgresPrograms
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(DatabaseUnavailable) as caught:
        Cluster(closed / "data/postgres", binaries).start()
    assert str(closed) in caught.value.message
    assert f"chmod o+x {closed}" in caught.value.hint


@AS_ROOT
def test_a_full_disk_is_said(folder: Path, binaries: PostgresPrograms) -> None:
    small = folder / "small"
    small.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=20m,mode=711", "tmpfs", str(small)]
    if subprocess.run(argv, check=False, capture_output=True).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        with pytest.raises(DatabaseUnavailable, match="is full") as caught:
            Cluster(small / "postgres", binaries).start()
        assert "disk space" in caught.value.detail or "No space left" in caught.value.detail
        assert not (small / "postgres/data").exists()
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=False)


@AS_ROOT
def test_root_is_not_who_runs_the_server(cluster: Cluster) -> None:
    cluster.start()
    assert Path(f"/proc/{cluster.pid}").stat().st_uid != 0
    assert (cluster.folder / "data").stat().st_uid == Path(f"/proc/{cluster.pid}").stat().st_uid


@AS_ROOT
def test_a_user_who_is_not_root_runs_the_server_himself(folder: Path, binaries: PostgresPrograms) -> None:
    nobody = pwd.getpwnam("nobody")
    python = _python_for_all(nobody)
    if python is None:
        pytest.skip("no Python of this version here that other users can run with this checkout")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    process = _serve(folder / "postgres", "stop", python, user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=())
    assert _answer(process)
    assert process.wait(60) == 0
    assert (folder / "postgres/data").stat().st_uid == nobody.pw_uid
    assert (folder / "postgres").stat().st_mode & 0o777 == 0o700
    assert binaries.root.is_relative_to(tool_cache.folder()) or binaries.root.is_relative_to("/usr")


def test_a_fresh_database_has_the_platform_and_all_its_logins(database: FreshDatabase) -> None:
    logins = {
        database.rest_dsn: "authenticator",
        database.auth_dsn: "supabase_auth_admin",
        database.storage_dsn: "supabase_storage_admin",
        database.superuser_dsn: "supabase_admin",
    }
    for dsn, user in logins.items():
        with psycopg.connect(dsn) as connection:
            assert connection.execute("select current_user, current_database()").fetchone() == (user, database.name)
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("create table public.notes (id int)")
        connection.execute("create schema own")
        assert connection.execute("select to_regclass('auth.users') is not null").fetchone() == (True,)


def test_a_fresh_database_is_gone_after_use_even_with_connections_and_slots(database: FreshDatabase) -> None:
    with fresh_database() as other:
        connection = psycopg.connect(other.superuser_dsn, autocommit=True)
        connection.execute("select pg_create_logical_replication_slot('slot_of_a_test', 'pgoutput')")
    with psycopg.connect(database.superuser_dsn) as look:
        assert look.execute("select 1 from pg_database where datname = %s", [other.name]).fetchone() is None
        assert look.execute("select 1 from pg_replication_slots where slot_name = 'slot_of_a_test'").fetchone() is None
    connection.close()


def _python_for_all(user: pwd.struct_passwd) -> str | None:
    """This Python or the system's of the same version, if `user` can run it with what the tests import."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            tried = subprocess.run(
                [python, "-c", "import freehold, psycopg"],
                env={"PYTHONPATH": _import_path()},
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=(),
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if tried.returncode == 0:
            return python
    return None


def _import_path() -> str:
    return os.pathsep.join(path for path in sys.path if path.endswith(("site-packages", "src")))


def _serve(folder: Path, then: str, python: str = sys.executable, **options: object) -> "subprocess.Popen[str]":
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "FREEHOLD_CACHE": str(tool_cache.folder()),
        "HOME": "/",
        "PYTHONPATH": _import_path(),
    }
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [python, "-c", SERVE, str(folder), then],
        env=environment | {name: value for name, value in os.environ.items() if name.startswith(("LC_", "SSL_"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def _answer(process: "subprocess.Popen[str]") -> tuple[int, int]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        pytest.fail(process.stderr.read() if process.stderr else "no answer")
    pid, port = map(int, line.split())
    return pid, port


def _kill(processes: list["subprocess.Popen[str]"]) -> None:
    for process in processes:
        process.kill()
        process.wait()


def _as_server(cluster: Cluster) -> dict[str, int]:
    owner = (cluster.folder / "data").stat()
    return {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _wait_until(condition: object, seconds: float = 30) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
