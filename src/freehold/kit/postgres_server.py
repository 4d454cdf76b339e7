"""An embedded PostgreSQL: made on first start, bound to the life of the process that starts it, mended after a crash.

Layout of its folder: `data` (the cluster, of the user who runs it), and beside it, of the caller: `password` (0600),
`port`, `postgresql.conf`, `server.log`, `start.lock`; `socket` holds the unix socket.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from freehold.core.errors import DatabaseUnavailable
from freehold.kit import (
    files,
    postgres_address,
    postgres_data,
    postgres_processes,
    postgres_settings,
    process,
    service_user,
)
from freehold.kit.postgres_address import ServerAddress
from freehold.kit.postgres_programs import PostgresPrograms

START_TIMEOUT_SECONDS = 120
STOP_TIMEOUT_SECONDS = 30
LOG_LIMIT_BYTES = 20 * 1024 * 1024
PORT_ATTEMPTS = 5
_PAUSE_SECONDS = 0.02
_WRONG_PASSWORD = "password authentication failed"  # noqa: S105 - a message of the server


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
        return self.folder / postgres_data.LOG

    def start(self) -> ServerAddress:
        """Start the server, or adopt the one that runs on this folder already; gives its address when it answers.

        The first start makes the cluster. The server gets a fast shutdown when this process ends, even by kill -9.
        After a crash or a reboot PostgreSQL recovers by itself. Raises DatabaseUnavailable with its last words.
        """
        try:
            self._prepare()
            with self._locked():
                postgres_data.require_major(self.folder, self._programs)
                if not self._data.is_dir():
                    postgres_data.make(self.folder, self._programs, self._user)
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
        return self._address is not None and postgres_address.problem(self._address) is None

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

    def _launch(self) -> None:
        """Start a new server; a port that somebody took meanwhile is replaced."""
        postgres_processes.clear_remains(self._data)
        if self._child is not None:  # one that nobody has heard of the end of counts as the holder of its socket
            self._child.wait(STOP_TIMEOUT_SECONDS)
        self._shorten_log()
        for _ in range(PORT_ATTEMPTS):
            address = self._new_address(postgres_address.free_port(self.folder))
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
            environment=postgres_data.environment(),
            log=self.log,
            folder=self.folder,
            user=self._user,
            stop_signal=signal.SIGINT,
        )

    def _new_address(self, port: int) -> ServerAddress:
        """Write the settings for a port and make the socket's folder."""
        sockets = postgres_address.socket_folder(self.folder)
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
        return postgres_address.at(self.folder, port)

    def _wait_until_ready(self, address: ServerAddress) -> str | None:
        """Wait until the server lets us in; give what is wrong when it ends or takes too long."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if self._child is not None and self._child.poll() is not None:
                return "it ended without a word"
            problem = postgres_address.problem(address)
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
            address = postgres_address.at(self.folder, postgres_processes.port_of(self._data))
            problem = postgres_address.problem(address)
            if problem is None:
                self._address = address
                return True
            if _WRONG_PASSWORD in problem:
                raise self._unavailable(f"a server that is not ours runs on {self._data} (process {pid})", problem)
            time.sleep(_PAUSE_SECONDS)
        if self._postmaster() is None:
            return False
        raise self._unavailable(f"a server runs on {self._data} (process {pid}) and does not answer", str(problem))

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

    def _shorten_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _said_since(self, begin: int) -> str:
        with self.log.open("rb") as file:
            file.seek(begin)
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-postgres_data.LINES_SHOWN :])

    def _unavailable(self, message: str, said: str) -> DatabaseUnavailable:
        return postgres_data.unavailable(self.folder, message, said)
