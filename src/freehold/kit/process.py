"""Run other programs: one that ends, or one that lives as long as this process does.

Arguments are lists, never shell text, and hold no secret: a secret goes through the environment, standard input or a
file. A supervised child cannot outlive Freehold, however Freehold ends.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NoReturn

from freehold.core.errors import ProgramMissing
from freehold.kit import npm_settings, process_output, starter

LINES_KEPT = 200
_Process = subprocess.Popen[bytes]
_Stream = IO[bytes] | int
_LAUNCHER = Path(__file__).with_name("launch.py")
_PROXY = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
_TRUST = ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True, kw_only=True)
class User:
    """Another user to run a program as; only root may."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended. `lines` are the last it printed, on either stream."""

    code: int
    lines: tuple[str, ...]
    timed_out: bool = False

    @property
    def ok(self) -> bool:
        """Whether the program says that it did what it was asked."""
        return self.code == 0 and not self.timed_out


class Child:
    """A program that was started and still runs, or has ended since."""

    def __init__(self, process: _Process, stop_signal: signal.Signals) -> None:
        """Made by `start`."""
        self._process = process
        self._stop_signal = stop_signal

    @property
    def pid(self) -> int:
        """Process id; the program keeps it for its whole life."""
        return self._process.pid

    def poll(self) -> int | None:
        """Give the exit code, or None while it runs; negative is the signal that ended it."""
        return self._process.poll()

    def wait(self, timeout_seconds: float) -> int | None:
        """Wait for the end; None when it still runs after that time."""
        try:
            return self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            return None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program itself; one that has ended gets none."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def stop(self, timeout_seconds: float) -> int:
        """Ask the program to end; after `timeout_seconds` kill it and all it started. Gives the exit code."""
        self.send(self._stop_signal)
        code = self.wait(timeout_seconds)
        return self.kill() if code is None else code

    def kill(self) -> int:
        """Kill the program and all it started."""
        if self._process.poll() is None:
            starter.kill_group(self._process)
        return self._process.wait()


def run(  # noqa: PLR0913 - what a program gets is many things, all named
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout_seconds: float,
    folder: Path | None = None,
    stdin: bytes | None = None,
    log: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    user: User | None = None,
    pass_fds: tuple[int, ...] = (),
) -> Ended:
    """Run a program to its end. Both of its streams go line by line to `on_line` and, when given, to the file `log`.

    The program is its own session: Ctrl-C reaches Freehold only, and what the program started is killed when it ends,
    on a timeout and on an exception here. Raises ProgramMissing when it cannot be started.
    """
    process = _spawn(
        argv,
        environment=environment,
        folder=folder,
        stdin=stdin,
        output=subprocess.PIPE,
        user=user,
        death_signal=signal.SIGKILL,
        pass_fds=pass_fds,
    )
    kept: deque[str] = deque(maxlen=LINES_KEPT)
    timed_out = False
    try:
        with _opened(log) as sink:
            for line in process_output.lines(process, time.monotonic() + timeout_seconds):
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                kept.append(text)
                if sink is not None:
                    sink.write(line)
                if on_line is not None:
                    on_line(text)
    except TimeoutError:
        timed_out = True
    finally:
        # Before its id is given back: what is left of the group is what the program left running.
        starter.kill_group(process)
        code = process.wait()
        if process.stdout is not None:
            process.stdout.close()
    return Ended(code=code, lines=tuple(kept), timed_out=timed_out)


def start(  # noqa: PLR0913 - likewise
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    folder: Path | None = None,
    stdin: bytes | None = None,
    user: User | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    pass_fds: tuple[int, ...] = (),
) -> Child:
    """Start a program that gets `stop_signal` when this process ends, even by kill -9. Output is appended to `log`.

    Ctrl-C in a terminal does not reach it. Raises ProgramMissing when it cannot be started.
    """
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab", buffering=0) as output:
        process = _spawn(
            argv,
            environment=environment,
            folder=folder,
            stdin=stdin,
            output=output,
            user=user,
            death_signal=stop_signal,
            pass_fds=pass_fds,
        )
    return Child(process, stop_signal)


def replace(argv: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become another program, with this process's terminal. Raises ProgramMissing."""
    try:
        os.execvpe(argv[0], list(argv), dict(environment))  # noqa: S606 - a list, no shell
    except FileNotFoundError as error:
        raise ProgramMissing(f"{argv[0]} is not there") from error


def own_environment() -> dict[str, str]:
    """The environment for Freehold's own processes: the one this process has."""
    return dict(os.environ)


def build_environment(home: Path) -> dict[str, str]:
    """The whole environment for strangers' code at build time: no variable of the owner's but these.

    PATH, language, proxies, certificate authorities and the address of npm's registry; HOME is the given folder, which
    should be empty. Nothing from the owner's .npmrc but the registry comes along: no token, no script setting.
    """
    wanted = {"PATH", "LANG", *_TRUST, *_PROXY, *(name.upper() for name in _PROXY)}
    kept = {name: value for name, value in os.environ.items() if name in wanted or name.startswith("LC_")}
    registry = npm_settings.registry(os.environ)
    if registry:
        kept["npm_config_registry"] = registry
    return {"PATH": os.defpath, **kept, "DENO_TLS_CA_STORE": "system", "HOME": str(home)}


def _spawn(  # noqa: PLR0913 - likewise
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path | None,
    stdin: bytes | None,
    output: _Stream,
    user: User | None,
    death_signal: signal.Signals,
    pass_fds: tuple[int, ...],
) -> _Process:
    """Start through launch.py, which drops to `user` and binds the program's life to this process.

    The kernel sends the death signal when the *thread* that started a child ends, so one thread that never ends
    starts them all.
    """
    if shutil.which(argv[0], path=environment.get("PATH", os.defpath)) is None:
        raise ProgramMissing(f"{argv[0]} is not there, or is no program")
    identity = f"{user.uid}:{user.gid}:{user.name}" if user else "-"
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(death_signal)), identity]
    with _input(stdin) as source:
        try:
            return starter.of_this_process().do(
                lambda: subprocess.Popen(
                    [*launcher, *argv],
                    cwd=folder,
                    env=dict(environment),
                    stdin=source,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=pass_fds,
                    start_new_session=True,
                )
            )
        except OSError as error:
            raise ProgramMissing(f"{argv[0]} cannot be started", detail=str(error)) from error


@contextlib.contextmanager
def _input(content: bytes | None) -> Iterator[_Stream]:
    """Give what a program reads: a file in memory, so that no writer has to wait for its reader."""
    if content is None:
        yield subprocess.DEVNULL
        return
    with os.fdopen(os.memfd_create("stdin", os.MFD_CLOEXEC), "w+b", buffering=0) as file:
        file.write(content)
        file.seek(0)
        yield file


@contextlib.contextmanager
def _opened(log: Path | None) -> Iterator[IO[bytes] | None]:
    if log is None:
        yield None
        return
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab", buffering=0) as file:
        yield file
