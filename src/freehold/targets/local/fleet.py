"""The releases that run on this machine: each a process with a socket of its own, and one of them with the traffic.

All share the place's listening socket; which one serves it is said by a link, so a switch is one rename. Connections
wait in the socket's queue meanwhile, and whoever is connected to the release before is answered by it.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping

from freehold.core.errors import ProcessDied, ReleaseSick
from freehold.kit import files, process, tail, unix_http
from freehold.targets.local.place import Place

READY_WITHIN_SECONDS = 90.0
"""The app's own server may take a minute of them on a busy machine."""
STOP_WITHIN_SECONDS = 25.0
WARM_SECONDS = 1800.0
"""How long the release before stays running after a switch."""
DRAIN_SECONDS = 120.0
"""How long those before it stay for whoever is still connected: sockets live until then."""
MOST_LEFT = 3
"""More than these are stopped at once, the oldest first: each takes memory."""
PARTING_SECONDS = 6.0
"""Longer than an idle connection is kept: nobody is connected to a release that has been left for so long."""
LOG_LINES_SHOWN = 18
BACKLOG = 2048
LONGEST_SOCKET_BYTES = 107
Compose = Callable[[int], Mapping[str, object]]
"""Gives the settings of a release by its number; they hold secrets."""


class Fleet:
    """Starts `freehold serve` with settings on its standard input, so that no secret stands in argv or on disk."""

    def __init__(
        self, listener: socket.socket, place: Place, compose: Compose, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Nothing runs until `start`. `clock` tells seconds, to see what was left for how long."""
        self._listener = listener
        self._place = place
        self._compose = compose
        self._clock = clock
        self._children: dict[int, process.Child] = {}
        self._left: dict[int, float] = {}
        self._guard = threading.RLock()

    @property
    def live(self) -> int:
        """The release that has the traffic, 0 while none ever had."""
        return live(self._place)

    @property
    def pid(self) -> int:
        """Process id of the live release, 0 if it does not run."""
        child = self._children.get(self.live)
        return child.pid if child is not None else 0

    @property
    def alive(self) -> bool:
        """Whether the live release's process lives."""
        return self.live in self.running()

    def running(self) -> frozenset[int]:
        """Releases whose process lives."""
        return frozenset(number for number, child in list(self._children.items()) if child.poll() is None)

    def start(self, number: int) -> None:
        """Start a release beside the others unless it runs; raises ProcessDied with its last words.

        One that was left counts as left just now: who asks for it looks at it, and then switches to it.
        """
        with self._guard:
            if number not in self.running():
                self._children[number] = self._started(number)
            if number in self._left:
                self._left[number] = self._clock()

    def renew(self, number: int) -> None:
        """Start a release's process anew while the one before serves on, and end that one then."""
        with self._guard:
            before = self._children.get(number)
            self._children[number] = self._started(number)
            if before is not None:
                self._end(before)

    def switch(self, number: int) -> None:
        """Send the traffic to a release that runs; raises ReleaseSick when it does not."""
        with self._guard:
            if number not in self.running():
                raise ReleaseSick(f"release {number} does not run", hint="freehold logs")
            before = self.live
            point(self._place, number)
            self._tell()
            if before != number:
                self._left[before] = self._clock()
            self._left.pop(number, None)

    def stop(self, number: int) -> None:
        """Let a release's requests finish and end its process; nothing happens when it does not run."""
        with self._guard:
            child, left = self._taken_out(number)
        self._let_go(number, child, left)

    def retire(self) -> None:
        """Stop what was left long enough ago: the newest stays warm, the others for whoever is connected to them."""
        with self._guard:
            old = [(number, *self._taken_out(number)) for number in self._left_for_long()]
        for number, child, left in old:
            self._let_go(number, child, left)

    def stop_all(self) -> None:
        """End every process; requests under way finish."""
        with self._guard:
            children, self._children = list(self._children.values()), {}
            self._left.clear()
        for child in children:
            child.send(signal.SIGTERM)
        for child in children:
            self._end(child)

    def _left_for_long(self) -> list[int]:
        left = sorted(self._left.items(), key=lambda item: item[1], reverse=True)
        limits = [WARM_SECONDS, *[DRAIN_SECONDS] * (MOST_LEFT - 1), *[PARTING_SECONDS] * len(left)]
        now = self._clock()
        return [number for (number, since), limit in zip(left, limits, strict=False) if now - since > limit]

    def _taken_out(self, number: int) -> tuple[process.Child | None, float | None]:
        return self._children.pop(number, None), self._left.pop(number, None)

    def _let_go(self, number: int, child: process.Child | None, left: float | None) -> None:
        """End a process that was taken out; the same release may be started anew meanwhile, in the same place."""
        if child is not None:
            if left is not None and child.poll() is None:
                # Who is still connected is told with each answer to come again; an idle connection ends by itself.
                time.sleep(max(0.0, PARTING_SECONDS - (self._clock() - left)))
            self._end(child)
        with self._guard:
            if number not in self._children:
                (self._place.run / f"{number}.sock").unlink(missing_ok=True)
                files.remove_tree(self._place.run / f"{number}.traffic")

    def _end(self, child: process.Child) -> None:
        child.stop(STOP_WITHIN_SECONDS)

    def _tell(self) -> None:
        """Prompt every release to look at the link; one that was left looks by itself twice a second."""
        for child in self._children.values():
            child.send(signal.SIGUSR1)

    def _started(self, number: int) -> process.Child:
        files.remove_tree(self._place.run / f"{number}.traffic")
        ready, announce = os.pipe()
        logged = tail.size(self._place.runtime_log)
        try:
            try:
                with unix_http.listen(self._place.run / f"{number}.sock", BACKLOG) as private:
                    child = self._spawn(number, private, announce)
            finally:
                os.close(announce)
            try:
                self._wait_until_ready(number, ready, logged)
            except BaseException:
                child.stop(STOP_WITHIN_SECONDS)
                raise
        finally:
            os.close(ready)
        return child

    def _spawn(self, number: int, private: socket.socket, announce: int) -> process.Child:
        settings = {
            **self._compose(number),
            "live_link": str(self._place.live),
            "live_name": str(number),
            "traffic_directory": str(self._place.run / f"{number}.traffic"),
            **self._own_address(number),
        }
        fds = (private.fileno(), self._listener.fileno(), announce)
        options = ["--fd", str(fds[0]), "--public-fd", str(fds[1]), "--ready-fd", str(fds[2])]
        return process.start(
            [sys.executable, "-m", "freehold", "serve", "--config", "-", *options],
            environment=process.own_environment(),
            stdin=json.dumps(settings).encode(),
            log=self._place.runtime_log,
            pass_fds=fds,
        )

    def _own_address(self, number: int) -> dict[str, str]:
        """Let functions and the app's own server reach their own release: the public address may still be another's."""
        path = str(self._place.run / f"{number}.sock")
        return {"api_address": f"unix:{path}"} if len(path.encode()) <= LONGEST_SOCKET_BYTES else {}

    def _wait_until_ready(self, number: int, ready: int, logged: int) -> None:
        """Wait for the one byte that a runtime writes when all its protocols have started.

        `logged` is how much of the log was there before.
        """
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if select.select([ready], [], [], 0.1)[0]:
                if os.read(ready, 1):
                    return
                raise self._died(f"release {number} ended while it started", logged)
        raise self._died(f"release {number} was not ready within {READY_WITHIN_SECONDS:.0f} s", logged)

    def _died(self, message: str, logged: int) -> ProcessDied:
        """All releases write to one log: what stood there before is another's."""
        log = self._place.runtime_log
        lines = tail.since(log, logged)[-LOG_LINES_SHOWN:]
        return ProcessDied(message, detail="\n".join(lines), hint=f"the whole log: {log}")


def live(place: Place) -> int:
    """Read which release has the traffic; 0 while none ever had."""
    with contextlib.suppress(OSError, ValueError):
        return int(place.live.readlink().name)
    return 0


def point(place: Place, number: int) -> None:
    """Say which release is live, in one step."""
    temporary = place.live.with_name(f".live.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(str(number))
    temporary.rename(place.live)
