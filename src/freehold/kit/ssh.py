"""Reach a machine with the system's OpenSSH client: its owner's keys, agent, configuration and known hosts as they are.

What runs at the other end is a text written in this program, never made from data: data goes to its standard input.
"""

import contextlib
import os
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import BadUsage, ProgramMissing, TargetUnreachable

CONNECT_WITHIN_SECONDS = 20
_KEY_EXCHANGES = re.compile(rb"(?m)^kexalgorithms (\S+)$")
ALIVE_EVERY_SECONDS = 5
ALIVE_MISSES = 6
CUT = (255, -9)
"""How the client ends when the line is cut, or when it is killed."""
CONFIG_VARIABLE = "FREEHOLD_SSH_CONFIG"
"""A client configuration to use instead of ~/.ssh/config, for those who keep one apart."""
_ADDRESS = re.compile(
    r"(?:(?P<user>[a-z_][a-z0-9_-]{0,31})@)?(?P<host>[A-Za-z0-9][A-Za-z0-9._-]{0,252}|\[[0-9a-fA-F:.]{2,45}\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_EXPLAINED = {
    "Host key verification failed": "the machine shows another host key than before: compare it, then ssh-keygen -R",
    "REMOTE HOST IDENTIFICATION": "the machine shows another host key than before: compare it, then ssh-keygen -R",
    "Permission denied": "let your key in there first: ssh-copy-id",
    "Could not resolve": "check the name",
    "Connection refused": "check that the machine is up and lets SSH in",
    "timed out": "check that the machine is up and lets SSH in",
    "No route to host": "check the address and the network",
}


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where to log in: user@host:port, where only the host has to be said."""

    host: str
    user: str = ""
    port: int = 0

    def __str__(self) -> str:
        """Write it as it is typed."""
        return f"{self.user}@{self.host}".lstrip("@") + (f":{self.port}" if self.port else "")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command there ended."""

    code: int
    out: bytes
    err: str


def parse(text: str) -> Address:
    """Read user@host:port; raises BadUsage for what could be taken for anything else."""
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"] or 0) > 65535:  # noqa: PLR2004 - the highest port
        raise BadUsage(f"{text!r} is no address of a machine", hint="user@host or user@host:port")
    host = match["host"].strip("[]")
    return Address(host=host, user=match["user"] or "", port=int(match["port"] or 0))


def host_name(address: Address) -> str:
    """Give the name or address that the client connects to: what is typed may stand for it in its configuration."""
    _insist_on_client()
    argv = ["ssh", "-G", *_options(address), "--", address.host]
    shown = subprocess.run(argv, capture_output=True, text=True, timeout=CONNECT_WITHIN_SECONDS, check=False).stdout
    found = re.search(r"(?m)^hostname (\S+)$", shown)
    return found[1] if found else address.host


@contextlib.contextmanager
def connect(address: Address, *, learn_host_key: bool = False) -> Iterator["Connection"]:
    """Give a connection for everything inside the block; it logs in with the first command, and only once.

    A host key that was never seen is refused, unless `learn_host_key`; one that has changed always is. Whatever needs
    the connection raises TargetUnreachable when there is none. Raises ProgramMissing without an OpenSSH client here.
    """
    _insist_on_client()
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
        """Log in as quickly as may be: for what carries nothing that has to be secret in ten years. See `_quicker`."""
        self._key_exchange = _quicker(self.address)

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
            raise _unreachable(self.address, err or "the connection was cut")
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
                raise _unreachable(self.address, ended.stderr)
            try:
                yield local
            finally:
                self._control("cancel", forward)

    def _control(self, what: str, options: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self._stand()
        argv = ["ssh", "-S", str(self._channel), *_options(self.address), "-O", what, *options, "--", self.address.host]
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
        fixed = ["-T", "-S", str(self._channel), *_options(self.address)]
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
                raise _unreachable(self.address, "the connection was cut")
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
            raise _unreachable(self._address, err or "the connection was cut")
        return Ended(code=code, out=b"", err=err)

    def close(self) -> None:
        """End it."""
        self._running.kill()
        self._running.wait()


def _quicker(address: Address) -> list[str]:
    """Put X25519 first where the client's own default is sntrup761, whose keys take OpenSSH 0.1 s to make.

    What the owner's configuration says of key exchanges holds. Clients that begin with ML-KEM are quick as they are.
    """
    own, default = (
        subprocess.Popen(
            ["ssh", "-G", *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for options in ([*_options(address), "--", address.host], ["-F", "none", "--", address.host])
    )
    found = [_KEY_EXCHANGES.search(one.communicate(timeout=CONNECT_WITHIN_SECONDS)[0]) for one in (own, default)]
    said, usual = (match[1] if match else b"" for match in found)
    return ["-o", "KexAlgorithms=^curve25519-sha256"] if said == usual and usual.startswith(b"sntrup761") else []


def _options(address: Address) -> list[str]:
    options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_WITHIN_SECONDS}", "-o", "ControlPersist=no"]
    options += ["-o", f"ServerAliveInterval={ALIVE_EVERY_SECONDS}", "-o", f"ServerAliveCountMax={ALIVE_MISSES}"]
    if os.environ.get(CONFIG_VARIABLE):
        options += ["-F", os.environ[CONFIG_VARIABLE]]
    if address.user:
        options += ["-l", address.user]
    return options + (["-p", str(address.port)] if address.port else [])


def _unreachable(address: Address, text: str) -> TargetUnreachable:
    hint = next((hint for sign, hint in _EXPLAINED.items() if sign in text), "")
    if hint.endswith("-R"):
        hint = f"{hint} {address.host}"
    elif hint.endswith("copy-id"):
        port = f"-p {address.port} " if address.port else ""
        hint = f"{hint} {port}{Address(host=address.host, user=address.user)}"
    return TargetUnreachable(
        f"{address} cannot be reached by SSH",
        detail="\n".join(line for line in text.strip().splitlines() if line.strip())[-1500:],
        hint=hint or f"try: ssh {address}",
    )


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


def _insist_on_client() -> None:
    if not any((Path(folder) / "ssh").exists() for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)):
        raise ProgramMissing("the OpenSSH client is not there", hint="apt install openssh-client")
