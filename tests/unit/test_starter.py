"""What is interrupted while it starts is not left running."""

import signal
import subprocess
import threading

import pytest

from freehold.kit import starter


def test_a_program_that_is_interrupted_while_it_starts_is_killed() -> None:
    """Ctrl-C comes when the program is about to be there, and nobody has it in hand yet."""
    interrupted, main = threading.Event(), threading.main_thread().ident or 0
    made: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        signal.pthread_kill(main, signal.SIGINT)
        interrupted.wait(60)
        made.append(subprocess.Popen(["sleep", "600"], start_new_session=True))
        return made[0]

    with pytest.raises(KeyboardInterrupt):
        starter.of_this_process().do(start)
    interrupted.set()
    starter.of_this_process().do(lambda: subprocess.Popen(["true"], start_new_session=True)).wait()
    assert made[0].wait(60) == -signal.SIGKILL
