"""The thread that starts programs: the kernel sends a child its death signal when the thread that started it ends."""

import contextlib
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future

_Process = subprocess.Popen[bytes]


def of_this_process() -> "Starter":
    """Give the one of this process; a forked process makes its own."""
    with _guard:
        if os.getpid() not in _starters:
            _starters.clear()
            _starters[os.getpid()] = Starter()
        return _starters[os.getpid()]


def kill_group(process: _Process) -> None:
    """Kill a program that is its own session, and all it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class Starter:
    """A thread that starts children and never ends before the process does; a pool's would be joined too early."""

    def __init__(self) -> None:
        """Begin to wait for work."""
        self._work: queue.SimpleQueue[tuple[Callable[[], _Process], Future[_Process]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="starter", daemon=True).start()

    def do(self, start: Callable[[], _Process]) -> _Process:
        """Run `start` on the thread; gives its result or raises its error.

        What is interrupted here is killed as soon as it has started: nobody would ever hear of it.
        """
        answer: Future[_Process] = Future()
        self._work.put((start, answer))
        try:
            return answer.result()
        except BaseException:
            answer.add_done_callback(_kill_unclaimed)
            raise

    def _run(self) -> None:
        while True:
            start, answer = self._work.get()
            try:
                answer.set_result(start())
            except Exception as error:  # noqa: BLE001 - the caller gets it
                answer.set_exception(error)


def _kill_unclaimed(answer: "Future[_Process]") -> None:
    if answer.exception() is None:
        kill_group(answer.result())
        answer.result().wait()


_guard = threading.Lock()
_starters: dict[int, Starter] = {}
