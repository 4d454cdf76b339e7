"""How another command asks the running `freehold up` to start, switch or stop a release: a socket only its owner has.

One JSON line asks, one answers. What is asked changes processes only; records and locks are files, see records.py.
"""

import contextlib
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from freehold.core import errors
from freehold.core.errors import FreeholdError, NotRunning, TargetUnreachable
from freehold.kit import unix_http

ANSWER_WITHIN_SECONDS = 150.0
BACKLOG = 16


class Hands(Protocol):
    """What starts and stops releases: the fleet itself, or a way to it."""

    def running(self) -> frozenset[int]:
        """Releases that run."""

    def start(self, number: int) -> None:
        """Start one unless it runs; raises ProcessDied."""

    def switch(self, number: int) -> None:
        """Give it the traffic; raises ReleaseSick."""

    def stop(self, number: int) -> None:
        """End it."""


class Far:
    """The hands of a `freehold up` in another process."""

    def __init__(self, path: Path) -> None:
        """`path` is the place's control socket."""
        self._path = path

    def running(self) -> frozenset[int]:
        """Releases that run; none when nothing is up."""
        try:
            return frozenset(self._ask("running", 0))
        except NotRunning:
            return frozenset()

    def start(self, number: int) -> None:
        """Ask for a start."""
        self._ask("start", number)

    def switch(self, number: int) -> None:
        """Ask for the switch."""
        self._ask("switch", number)

    def stop(self, number: int) -> None:
        """Ask for the end; without `freehold up` nothing runs that could be ended."""
        with contextlib.suppress(NotRunning):
            self._ask("stop", number)

    def _ask(self, verb: str, number: int) -> list[int]:
        try:
            with unix_http.connect(self._path, ANSWER_WITHIN_SECONDS) as connection:
                connection.sendall(json.dumps({"verb": verb, "number": number}).encode() + b"\n")
                with connection.makefile("rb") as file:
                    line = file.readline()
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunning(
                "this app is not up", hint="freehold up PATH, and this command in another terminal"
            ) from error
        except OSError as error:
            raise TargetUnreachable(
                "`freehold up` does not answer", detail=str(error), hint="freehold status"
            ) from error
        if not line:
            raise TargetUnreachable("`freehold up` ended meanwhile", hint="freehold up PATH, then run this again")
        return _answer(json.loads(line))


@contextlib.contextmanager
def serving(path: Path, hands: Hands, after: Callable[[], None]) -> Iterator[None]:
    """Take orders while the block runs; `after` is called when one was carried out."""
    with unix_http.listen(path, BACKLOG) as listener:
        server = _Server(hands, after)
        server.socket.close()
        server.socket = listener
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="control", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, hands: Hands, after: Callable[[], None]) -> None:
        super().__init__("", _Order, bind_and_activate=False)
        self.hands = hands
        self.after = after


class _Order(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        try:
            asked = json.loads(self.rfile.readline(1024))
            verb, number = str(asked["verb"]), int(asked["number"])
        except (ValueError, KeyError, TypeError):
            return
        with contextlib.suppress(ConnectionError):
            self.wfile.write(json.dumps(self._do(verb, number)).encode() + b"\n")

    def _do(self, verb: str, number: int) -> dict[str, object]:
        hands = self.server.hands
        verbs = {"start": hands.start, "switch": hands.switch, "stop": hands.stop}
        try:
            if verb in verbs:
                verbs[verb](number)
                self.server.after()
        except FreeholdError as error:
            return {**error.document}
        return {"running": sorted(hands.running())}


def _answer(values: dict[str, Any]) -> list[int]:
    if "running" in values:
        return [int(number) for number in values["running"]]
    raise errors.from_document(values)
