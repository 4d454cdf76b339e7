"""Talk to the program on a server: an order is one JSON line, then bytes where it takes some; one line answers."""

import contextlib
import functools
import hashlib
import json
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from freehold.core import errors
from freehold.core.errors import TargetUnfit
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.kit import ssh
from freehold.targets.server import program

FOLDER = "/usr/local/lib/freehold"
# Fixed texts: nothing is ever put into them but digests of our own program.
_PYTHON = (
    "command -v python3 >/dev/null || (echo installed; "
    "(apt-get update -q && apt-get install -y -q --no-install-recommends python3) >&2)"
)
_SUDO_UNLESS_ROOT = '$(test "$(id -u)" = 0 || echo sudo -n) '
_INSTALL = (
    "python3 -Ic 'import sys,os,hashlib,io,zipfile,compileall,shutil;"
    f'n,h,p="{{name}}","{{archive}}","{FOLDER}";'
    'd=sys.stdin.buffer.read();hashlib.sha256(d).hexdigest()==h or sys.exit("it did not arrive whole");'
    't=f"{{p}}/.{{n}}{{os.getpid()}}";zipfile.ZipFile(io.BytesIO(d)).extractall(t);'
    'compileall.compile_dir(t,quiet=2);os.sync();os.path.isdir(p+"/"+n) or os.rename(t,p+"/"+n);'
    "shutil.rmtree(t,True)'"
)
_JOURNAL = "journalctl --no-pager -o short-iso -n {lines} {follow} -u 'fh-{app}@*'"
# Read as the app's own user: the folder is that one's, and a link in it may lead anywhere.
_PRINTED = "runuser -u {user} -- tail -n {lines} {follow} -- {path} 2>/dev/null"
_ABSENT = 2


class Agent:
    """The program on one server, as `connection` reaches it."""

    def __init__(self, connection: ssh.Connection) -> None:
        """Nothing is asked yet."""
        self.connection = connection
        self._session: ssh.Session | None = None
        self._guard = threading.Lock()

    @functools.cached_property
    def digest(self) -> str:
        """The program's name on the server."""
        return program.digest(program.sources())

    def begin(self) -> None:
        """Log in without waiting for it: whatever is asked next finds that done, or hears why it was not.

        Quickly: a way back begins so, and no secret goes with it.
        """
        self.connection.hurry()
        self._session = self._started()

    def ask(self, verb: str, body: Iterable[bytes] = (), *, report: Report | None = None, **values: Any) -> Any:  # noqa: ANN401 - JSON, typed by callers
        """Give one order and its result; an error there is raised here as it is. What happens meanwhile is reported."""
        with self._guard, self._undisturbed():
            found = self._asked(verb, body, values)
            if not isinstance(found, bytes) and (found.code == _ABSENT or "can't open file" in found.err):
                self._install()
                found = self._asked(verb, body, values)
            while isinstance(found, bytes):
                answer = json.loads(found)
                if "event" not in answer:
                    break
                if report is not None:
                    report(Event(**answer["event"]))
                found = self._read()
            if isinstance(found, bytes) and "error" in answer and body:
                # It reads no further than that: what was not taken of the body is no order. It ends, and is awaited.
                self._read()
                self._session = None
        if not isinstance(found, bytes):
            raise TargetUnfit(
                f"the program on {self.connection.address} failed",
                detail=found.err.strip()[-2000:],
                hint="freehold server add   brings it up to date",
            )
        if "error" in answer:
            raise errors.from_document(answer["error"])
        return answer["result"]

    def logs(self, app: str, *, lines: int, follow: bool, of: str = "") -> Iterator[str]:
        """What an app's releases have logged, or a program of it. Names are checked: they are put into a text."""
        from freehold.targets.server.remote import places  # noqa: PLC0415 - a login begins before this is loaded

        place = places.app_of(app)
        if of:
            command = _PRINTED.format(
                user=place.user, lines=int(lines), follow="-F" if follow else "", path=place.printed_by(of)
            )
        else:
            command = _JOURNAL.format(lines=int(lines), follow="-f" if follow else "", app=place.name)
        return self.connection.lines(self._rights + command)

    def need_python(self) -> bool:
        """Have Python 3 on the server, which everything else is written in; says whether it had to be installed."""
        ended = self.connection.run(f"{self._rights}sh -c '{_PYTHON}'")
        if ended.code != 0:
            raise TargetUnfit(
                "Python 3 cannot be installed on the server", detail=ended.err[-1500:], hint="apt-get update"
            )
        return bool(ended.out)

    @property
    def _rights(self) -> str:
        """Who logs in without a name is known to the SSH client's configuration alone."""
        user = self.connection.address.user
        return "" if user == "root" else "sudo -n " if user else _SUDO_UNLESS_ROOT

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Leave a session whose answer nobody waited for: it would be taken for the answer to the next order."""
        try:
            yield
        except BaseException:
            self._session = None
            raise

    def _asked(self, verb: str, body: Iterable[bytes], values: dict[str, Any]) -> bytes | ssh.Ended:
        """Ask the program that runs there, or start it: one start serves all orders of a command."""
        if self._session is None or not self._session.alive:
            self._session = self._started()
        order = json.dumps({"verb": verb, "values": values}).encode() + b"\n"

        def content() -> Iterator[bytes]:
            yield order
            yield from body

        return self._session.ask(content())

    def _started(self) -> ssh.Session:
        return self.connection.session(f"{self._rights}python3 -I -S {FOLDER}/{self.digest}")

    def _read(self) -> bytes | ssh.Ended:
        assert self._session is not None  # noqa: S101 - it was just asked
        return self._session.read_line()

    def _install(self) -> None:
        """Lay it down as a folder, compiled, whole or not at all."""
        archive = program.pack(program.sources())
        command = _INSTALL.format(name=self.digest, archive=hashlib.sha256(archive).hexdigest())
        ended = self.connection.run(self._rights + command, stdin=(archive,))
        if ended.code != 0:
            raise TargetUnfit(
                f"Freehold's program cannot be installed on {self.connection.address}",
                detail=ended.err.strip()[-1500:],
                hint="log in as root, or as a user who may use sudo without a password",
            )
