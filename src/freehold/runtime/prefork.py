"""Several worker processes on one unix socket: what a server's unit starts.

The parent binds, forks and watches; it serves nothing itself. Every worker inherits the same listening socket, so the
kernel hands each connection to one that is free.
"""

import contextlib
import os
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from freehold.core.errors import ProcessDied
from freehold.runtime.serve import BACKLOG, serve
from freehold.runtime.settings import Settings

CALM_SECONDS = 10.0
"""A worker that lives longer than this ended by accident, and is replaced at once."""
RESTART_PAUSE_SECONDS = 0.5
NOTIFY = "NOTIFY_SOCKET"


def serve_with_workers(settings: Settings, path: Path, count: int) -> None:
    """Serve at a unix socket with `count` processes until SIGTERM or SIGINT; systemd is told when all are ready.

    Raises ProcessDied when a worker ends before all were ready once: such a release must not be switched to.
    """
    _Workers(settings, _listen(path), count).run()


class _Workers:
    def __init__(self, settings: Settings, listener: socket.socket, count: int) -> None:
        self._settings = settings
        self._listener = listener
        self._count = count
        self._started: dict[int, float] = {}
        self._stopping = False

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        ready = [self._start() for _ in range(self._count)]
        if all(_is_ready(descriptor) for descriptor in ready):
            _notify("READY=1")
        elif not self._stopping:
            self._stop(signal.SIGTERM, None)
            self._wait_for_all()
            raise ProcessDied("a worker ended while it started", hint="its last words are in the log above")
        while self._started:
            self._look()

    def _start(self) -> int:
        """Fork a worker; gives the descriptor on which it says that it is ready."""
        ready, announce = os.pipe()
        # Signals wait until the child has its own handlers: one that came between would be taken for the parent's.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            self._be_worker(announce)
        self._started[pid] = time.monotonic()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
        os.close(announce)
        return ready

    def _be_worker(self, announce: int) -> None:
        code = 1
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            os.environ.pop(NOTIFY, None)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
            serve(self._settings, self._listener, announce)
            code = 0
        finally:
            # The parent's cleanup is not the child's, whatever ended it; the traceback is printed first. Where the
            # server itself gives up, it has said why.
            if sys.exc_info()[0] not in {None, SystemExit}:
                sys.excepthook(*sys.exc_info())
            sys.stderr.flush()
            os._exit(code)

    def _look(self) -> None:
        """Wait until a worker ends, and start another unless everything ends."""
        pid, _ = os.wait()
        began = self._started.pop(pid, 0.0)
        if self._stopping:
            return
        if time.monotonic() - began < CALM_SECONDS:
            time.sleep(RESTART_PAUSE_SECONDS)
        os.close(self._start())
        if self._stopping:  # it was asked meanwhile, and the new worker was not told
            self._stop(signal.SIGTERM, None)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        for pid in list(self._started):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def _wait_for_all(self) -> None:
        while self._started:
            pid, _ = os.wait()
            self._started.pop(pid, None)


def _listen(path: Path) -> socket.socket:
    """Listen at a path; a socket that a former process left there is replaced. The folder guards it.

    It is bound under its own name: that is the one by which the kernel lists its connections.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    path.unlink(missing_ok=True)
    listener.bind(str(path))
    path.chmod(0o666)
    listener.listen(BACKLOG)
    return listener


def _is_ready(descriptor: int) -> bool:
    """Wait for the one byte of a worker; False when it ended first."""
    with os.fdopen(descriptor, "rb") as pipe:
        return pipe.read(1) == b"1"


def _notify(state: str) -> None:
    """Tell systemd, when it started this process."""
    address = os.environ.get(NOTIFY, "")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
