"""Reach a machine with the system's OpenSSH client: its owner's keys, agent, configuration and known hosts as they are.

What runs at the other end is a text written in this program, never made from data: data goes to its standard input.
"""

import contextlib
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.kit import ssh_client
from freehold.kit.ssh_client import CONFIG_VARIABLE, CONNECT_WITHIN_SECONDS, Address, host_name, parse

__all__ = ["CONFIG_VARIABLE", "Address", "Connection", "Ended", "Session", "connect", "host_name", "parse"]

CUT = (255, -9)
"""How the client ends when the line is cut, or when it is killed."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command there ended."""

    code: int
    out: bytes
    err: str


@contextlib.contextmanager
def connect(address: Address, *, learn_host_key: bool = False) -> Iterator["Connection"]:
    """Give a connection for everything inside the block; it logs in with the first command, and only once.

    A host key that was never seen is refused, unless `learn_host_key`; one that has changed always is. Whatever needs
    the connection raises TargetUnreachable when there is none. Raises ProgramMissing without an OpenSSH client here.
    """
    ssh_client.insist_on_program()
    with tempfile.TemporaryDirectory(prefix="fh-ssh-") as folder:
        connection = Connection(address, Path(folder), learn_host_key=learn_host_key)
        try:
            yield connection
        finally:
            connection.close()


class Connection:
    """One login. The first command rides on it, and every further one gets a channel of its own."""

    def __init__(self, address: Address, folder: Path, *, learn_host_key: bool) -> None:
        """Made by `connect`."""
        self.address = address
        self._channel = folder / "c"
        self._host_key = f"StrictHostKeyChecking={'accept-new' if learn_host_key else 'yes'}"
        self._key_exchange: list[str] = []
        self._first: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()

    def hurry(self) -> None:
        """Log in as quickly as may be: for what carries nothing that has to be secret in ten years."""
        self._key_exchange = ssh_client.quicker_options(self.address)

    def close(self) -> None:
        """Hang up: the other side notices, and ends what it still does for this connection."""
        if self._first is not None:
            self._first.kill()
            self._first.wait()

    def run(self, command: str, *, stdin: Iterable[bytes] = (), timeout_seconds: float = 600.0) -> Ended:
        """Run `command`, a text of this program's own, to its end. Raises TargetUnreachable when the line is cut."""
        running = self._start(command)
        feeder = threading.Thread(target=_feed, args=(running, stdin), daemon=True)
        errors: list[bytes] = []
        listener = threading.Thread(target=_drain, args=(running, errors), daemon=True)
        timer = threading.Timer(timeout_seconds, running.kill)
        for thread in (feeder, listener, timer):
            thread.start()
        try:
            assert running.stdout is not None  # noqa: S101 - it was asked for
            out = running.stdout.read()
            code = running.wait()
        finally:
            running.kill()
            timer.cancel()
        listener.join(1)
        err = b"".join(errors).decode(errors="replace")
        if code in CUT:
            raise ssh_client.unreachable(self.address, err or "the connection was cut")
        return Ended(code=code, out=out, err=err)

    def session(self, command: str) -> "Session":
        """Start `command`, a text of this program's own, that answers a line for each thing it is asked."""
        return Session(self.address, self._start(command))

    def lines(self, command: str, *, stdin: bytes = b"") -> Iterator[str]:
        """Give what `command` prints, line by line as it comes; closing the iterator ends it."""
        running = self._start(command)
        try:
            _feed(running, (stdin,))
            assert running.stdout is not None  # noqa: S101 - it was asked for
            for line in running.stdout:
                yield line.decode(errors="replace").rstrip("\n")
        finally:
            running.kill()
            running.wait()

    @contextlib.contextmanager
    def forwarded(self, remote: Path) -> Iterator[Path]:
        """Give a unix socket here that leads to `remote` there; it has the same file name, in a folder of its own."""
        with tempfile.TemporaryDirectory(prefix="fh-tunnel-") as folder:
            local = Path(folder) / remote.name
            forward = ["-L", f"{local}:{remote}"]
            ended = self._control("forward", forward)
            if ended.returncode != 0:
                raise ssh_client.unreachable(self.address, ended.stderr)
            try:
                yield local
            finally:
                self._control("cancel", forward)

    def _control(self, what: str, options: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self._stand()
        argv = [
            "ssh",
            "-S",
            str(self._channel),
            *ssh_client.options(self.address),
            "-O",
            what,
            *options,
            "--",
            self.address.host,
        ]
        return subprocess.run(argv, capture_output=True, text=True, timeout=CONNECT_WITHIN_SECONDS, check=False)

    def _start(self, command: str) -> subprocess.Popen[bytes]:
        with self._guard:
            if self._may_log_in():
                self._channel.unlink(missing_ok=True)
                self._first = self._run("-M", "-o", self._host_key, *self._key_exchange, command=command)
                return self._first
        self._stand()
        # Only the channel is used: without it the client would log in anew, past the check of the host key.
        return self._run("-o", "ControlMaster=no", "-o", "ProxyCommand=false", command=command)

    def _run(self, *options: str, command: str) -> subprocess.Popen[bytes]:
        fixed = ["-T", "-S", str(self._channel), *ssh_client.options(self.address)]
        argv = ["ssh", *fixed, *options, "--", self.address.host, command]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)

    def _may_log_in(self) -> bool:
        """Whether there was no login yet, or its command came to its own end; a line that was cut stays so."""
        if self._first is None:
            return True
        code = self._first.poll()
        return code is not None and code not in CUT

    def _stand(self) -> None:
        """Wait until the login of the first command stands; raises TargetUnreachable."""
        deadline = time.monotonic() + CONNECT_WITHIN_SECONDS + 10
        while not self._channel.exists():
            if self._first is None or self._first.poll() is not None or time.monotonic() > deadline:
                raise ssh_client.unreachable(self.address, "the connection was cut")
            time.sleep(0.005)


class Session:
    """A command there that goes on running: each question gets one line."""

    def __init__(self, address: Address, running: subprocess.Popen[bytes]) -> None:
        """Made by `Connection.session`."""
        self._address = address
        self._running = running
        self._errors: list[bytes] = []
        self._was_heard = False
        self._listener = threading.Thread(target=_drain, args=(running, self._errors), daemon=True)
        self._listener.start()

    @property
    def alive(self) -> bool:
        """Whether it still runs; one that was never heard can be asked in any case, and then says how it ended."""
        return not self._was_heard or self._running.poll() is None

    def ask(self, content: Iterable[bytes]) -> bytes | Ended:
        """Send a question and give the line that answers it; how it ended when it did. Raises TargetUnreachable."""
        assert self._running.stdout is not None  # noqa: S101 - it was asked for
        feeder = threading.Thread(target=_feed, args=(self._running, content), kwargs={"close": False}, daemon=True)
        feeder.start()
        return self.read_line()

    def read_line(self) -> bytes | Ended:
        """Give the next line of an answer that has several; how it ended when it did. Raises TargetUnreachable."""
        assert self._running.stdout is not None  # noqa: S101 - it was asked for
        line = self._running.stdout.readline()
        self._was_heard = True
        if line:
            return line
        code = self._running.wait()
        self._listener.join(1)
        err = b"".join(self._errors).decode(errors="replace")
        if code in CUT:
            raise ssh_client.unreachable(self._address, err or "the connection was cut")
        return Ended(code=code, out=b"", err=err)

    def close(self) -> None:
        """End it."""
        self._running.kill()
        self._running.wait()


def _feed(running: subprocess.Popen[bytes], content: Iterable[bytes], *, close: bool = True) -> None:
    """Write until the other end has enough; what is left then is not its concern."""
    assert running.stdin is not None  # noqa: S101 - it was asked for
    with contextlib.suppress(BrokenPipeError, ValueError):
        for block in content:
            running.stdin.write(block)
        running.stdin.flush()
    if close:
        with contextlib.suppress(BrokenPipeError, ValueError):
            running.stdin.close()


def _drain(running: subprocess.Popen[bytes], into: list[bytes]) -> None:
    assert running.stderr is not None  # noqa: S101 - it was asked for
    into.append(running.stderr.read())
