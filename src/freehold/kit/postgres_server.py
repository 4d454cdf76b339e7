"""An embedded PostgreSQL: made on first start, bound to the life of the process that starts it, mended after a crash.

Layout of its folder: `data` (the cluster, of the user who runs it), and beside it, of the caller: `password` (0600),
`port`, `postgresql.conf`, `server.log`, `start.lock`; `socket` holds the unix socket.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import conninfo

from freehold.core.errors import DatabaseUnavailable
from freehold.core.secret import Secret
from freehold.kit import files, postgres_processes, postgres_settings, private, process, service_user
from freehold.kit.postgres_programs import PostgresPrograms

SUPERUSER = "supabase_admin"
DATABASE = "postgres"
PASSWORD_BYTES = 32
INITDB_TIMEOUT_SECONDS = 300
START_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 30
CONNECT_TIMEOUT_SECONDS = 5
LOG_LIMIT_BYTES = 20 * 1024 * 1024
LINES_SHOWN = 12
PORT_ATTEMPTS = 5
_PAUSE_SECONDS = 0.02
_DISK_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "Check free disk space")
_WRONG_PASSWORD = "password authentication failed"  # noqa: S105 - a message of the server


@dataclass(frozen=True, kw_only=True)
class ServerAddress:
    """Where a running server is reached. `dsn` names database `postgres` and the superuser, password included."""

    host: str
    port: int
    superuser: str
    password: Secret
    dsn: Secret
    socket_folder: Path | None
    """Where its unix socket is; `dsn` uses it. None when the path is too long for one."""


class Cluster:
    """One data folder and the server that runs on it. Not for two threads at once."""

    def __init__(self, folder: Path, programs: PostgresPrograms, *, settings: Mapping[str, str] | None = None) -> None:
        """Nothing happens until `start`. `settings` are PostgreSQL's own and go before Freehold's."""
        self.folder = folder.absolute()
        self._programs = programs
        self._settings = dict(settings or {})
        self._child: process.Child | None = None
        self._address: ServerAddress | None = None
        self._user: process.User | None = None

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    def start(self) -> ServerAddress:
        """Start the server, or adopt the one that runs on this folder already; gives its address when it answers.

        The first start makes the cluster. The server gets a fast shutdown when this process ends, even by kill -9.
        After a crash or a reboot PostgreSQL recovers by itself. Raises DatabaseUnavailable with its last words.
        """
        try:
            self._prepare()
            with self._locked():
                self._require_major()
                if not self._data.is_dir():
                    self._make()
                if self._postmaster() is None or not self._adopt():
                    self._launch()
        except OSError as error:
            raise self._unavailable(f"the folder {self.folder} cannot be used", str(error)) from error
        return self.address

    @property
    def address(self) -> ServerAddress:
        """Where the server is reached; only after `start`."""
        if self._address is None:
            raise DatabaseUnavailable("PostgreSQL was not started", hint="freehold up PATH")
        return self._address

    def stop(self) -> None:
        """Stop the server, whoever started it: fast, then without ceremony. One that does not run is no error."""
        pid = self._main_process()
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if pid is None or self._ended(pid):
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            self._wait_for_end(pid, STOP_TIMEOUT_SECONDS)
        if self._child is not None:
            self._child.wait(STOP_TIMEOUT_SECONDS)
            self._child = None

    def is_running(self) -> bool:
        """Whether the server's main process lives; costs no connection."""
        if self._child is not None:
            return self._child.poll() is None
        return self._postmaster() is not None

    def answers(self) -> bool:
        """Whether the server lets the superuser in now."""
        return self._address is not None and self._try(self._address) is None

    @property
    def pid(self) -> int:
        """Process id of the server's main process, 0 if none runs."""
        return self._postmaster() or 0

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _prepare(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        owner = self.folder.stat().st_uid
        if owner != os.geteuid():
            raise DatabaseUnavailable(
                f"the folder {self.folder} belongs to another user",
                detail=f"owner {owner}; you are {os.geteuid()}",
                hint=f"run Freehold as its owner, or: chown {os.geteuid()} {self.folder}",
            )
        self._user = service_user.for_data(self._data)
        self.folder.chmod(0o711 if self._user else 0o700)
        service_user.require_way(self._user, self.folder, self._programs.root)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time start a server here; a second one then finds it running."""
        with (self.folder / "start.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _require_major(self) -> None:
        major = major_of(self.folder)
        if major is not None and major != self._programs.major:
            raise DatabaseUnavailable(
                f"the data in {self._data} is PostgreSQL {major}'s, the programs are {self._programs.major}'s",
                hint=f"install PostgreSQL {major} with pgvector, or restore a backup into a new folder (--data)",
            )

    def _make(self) -> None:
        """Run initdb beside the final place, so that a cluster that is there is whole."""
        new = self.folder / "data.new"
        if new.exists():
            postgres_processes.clear_remains(new)
            files.remove_tree(new)
        new.mkdir(mode=0o700)
        private.create(self.folder / "password", secrets.token_urlsafe(PASSWORD_BYTES).encode())
        if self._user:
            os.chown(new, self._user.uid, self._user.gid)
        ended = self._initdb(new, self._password())
        if not ended.ok:
            files.remove_tree(new)
            raise self._unavailable("the database cannot be made", "\n".join(ended.lines[-LINES_SHOWN:]))
        new.rename(self._data)
        _sync_folder(self.folder)

    def _initdb(self, folder: Path, password: Secret) -> process.Ended:
        """The password travels in memory: /proc/self/fd opens it again for initdb, whoever runs that."""
        memory = os.memfd_create("password", os.MFD_CLOEXEC)
        try:
            os.write(memory, password.reveal().encode() + b"\n")
            argv = [str(self._programs.initdb), "--pgdata", str(folder), "--username", SUPERUSER]
            locale = ["--encoding", "UTF8", "--locale", "C.UTF-8"]
            if self._programs.major >= 17:  # noqa: PLR2004 - the first with a provider of its own
                locale += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
            safety = ["--data-checksums", "--auth", "scram-sha-256", "--pwfile", f"/proc/self/fd/{memory}"]
            return process.run(
                [*argv, *locale, *safety],
                environment=_environment(),
                folder=self.folder,
                user=self._user,
                timeout_seconds=INITDB_TIMEOUT_SECONDS,
                pass_fds=(memory,),
            )
        finally:
            os.close(memory)

    def _launch(self) -> None:
        """Start a new server; a port that somebody took meanwhile is replaced."""
        postgres_processes.clear_remains(self._data)
        self._shorten_log()
        for _ in range(PORT_ATTEMPTS):
            address = self._new_address(self._free_port())
            begin = self.log.stat().st_size if self.log.exists() else 0
            self._child = self._spawn()
            problem = self._wait_until_ready(address)
            if problem is None:
                self._address = address
                return
            if _WRONG_PASSWORD in problem:
                self.stop()
                raise self._unavailable(f"the file {self.folder / 'password'} is not the database's", problem)
            said = self._said_since(begin)
            self._child.stop(STOP_TIMEOUT_SECONDS)
            self._child = None
            if "Address already in use" not in said:
                raise self._unavailable("PostgreSQL does not start", said or problem)
            (self.folder / "port").unlink(missing_ok=True)
        raise self._unavailable("PostgreSQL finds no free port", said)

    def _spawn(self) -> process.Child:
        settings = self.folder / "postgresql.conf"
        return process.start(
            [str(self._programs.postgres), "-D", str(self._data), "-c", f"config_file={settings}"],
            environment=_environment(),
            log=self.log,
            folder=self.folder,
            user=self._user,
            stop_signal=signal.SIGINT,
        )

    def _new_address(self, port: int) -> ServerAddress:
        """Write the settings for a port and make the socket's folder."""
        place = self.folder / "socket"
        sockets = place if postgres_settings.socket_folder_fits(place) else None
        if sockets:
            sockets.mkdir(exist_ok=True, mode=0o700)
            if self._user:
                os.chown(sockets, self._user.uid, self._user.gid, follow_symlinks=False)
        text = postgres_settings.render(
            major=self._programs.major, port=port, socket_folder=sockets, extra=self._settings
        )
        files.write_text(self.folder / "postgresql.conf", text)
        (self.folder / "postgresql.conf").chmod(0o644)
        files.write_text(self.folder / "port", f"{port}\n")
        return self._address_at(port, sockets)

    def _address_at(self, port: int, sockets: Path | None) -> ServerAddress:
        password = self._password()
        host = str(sockets) if sockets else "127.0.0.1"
        dsn = conninfo.make_conninfo(
            host=host,
            port=port,
            user=SUPERUSER,
            password=password.reveal(),
            dbname=DATABASE,
            require_auth="scram-sha-256",
        )
        return ServerAddress(
            host="127.0.0.1",
            port=port,
            superuser=SUPERUSER,
            password=password,
            dsn=Secret(dsn),
            socket_folder=sockets,
        )

    def _free_port(self) -> int:
        """The port of the last time if it is free, else any."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            port = int((self.folder / "port").read_text())
            if _is_free(port):
                return port
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    def _wait_until_ready(self, address: ServerAddress) -> str | None:
        """Wait until the server lets us in; give what is wrong when it ends or takes too long."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if self._child is not None and self._child.poll() is not None:
                return "it ended without a word"
            problem = self._try(address)
            if problem is None:
                return None
            if _WRONG_PASSWORD in problem:
                return problem
            time.sleep(_PAUSE_SECONDS)
        return f"it did not answer within {START_TIMEOUT_SECONDS} s"

    def _adopt(self) -> bool:
        """Take over a server that runs already. False when it went away: it was shutting down."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        problem: str | None = ""
        while (pid := self._postmaster()) is not None and time.monotonic() < deadline:
            place = self.folder / "socket"
            sockets = place if postgres_settings.socket_folder_fits(place) else None
            address = self._address_at(postgres_processes.port_of(self._data), sockets)
            problem = self._try(address)
            if problem is None:
                self._address = address
                return True
            if _WRONG_PASSWORD in problem:
                raise self._unavailable(f"a server that is not ours runs on {self._data} (process {pid})", problem)
            time.sleep(_PAUSE_SECONDS)
        if self._postmaster() is None:
            return False
        raise self._unavailable(f"a server runs on {self._data} (process {pid}) and does not answer", str(problem))

    def _try(self, address: ServerAddress) -> str | None:
        try:
            psycopg.connect(address.dsn.reveal(), connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
        except psycopg.OperationalError as error:
            return str(error)
        return None

    def _main_process(self) -> int | None:
        """Our own child, whatever its pid file says; else the server that runs on this folder."""
        if self._child is not None and self._child.poll() is None:
            return self._child.pid
        return self._postmaster()

    def _postmaster(self) -> int | None:
        return postgres_processes.postmaster(self._data)

    def _ended(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is not None
        return self._postmaster() != pid

    def _wait_for_end(self, pid: int, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self._ended(pid) and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)

    def _password(self) -> Secret:
        """The superuser's password, made once, with the cluster."""
        path = self.folder / "password"
        try:
            return Secret(path.read_text())
        except FileNotFoundError as error:
            raise DatabaseUnavailable(
                f"the password of the database is gone: {path}",
                detail=f"the data itself is in {self._data}",
                hint="restore the file from a backup of this folder",
            ) from error

    def _shorten_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _said_since(self, begin: int) -> str:
        with self.log.open("rb") as file:
            file.seek(begin)
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-LINES_SHOWN:])

    def _unavailable(self, message: str, said: str) -> DatabaseUnavailable:
        if any(words in said for words in _DISK_FULL):
            return DatabaseUnavailable(
                f"{message}: the disk of {self.folder} is full", detail=said, hint=f"make room: df -h {self.folder}"
            )
        return DatabaseUnavailable(message, detail=said, hint=f"the whole log: {self.log}")


def major_of(folder: Path) -> int | None:
    """The PostgreSQL major whose data lies in a cluster's folder; None when there is none yet."""
    try:
        return int((folder / "data/PG_VERSION").read_text().split(".")[0])
    except (FileNotFoundError, ValueError):
        return None


def _environment() -> dict[str, str]:
    """Nothing of the caller's: no secret of his can be read through the server."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
