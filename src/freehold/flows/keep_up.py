"""Watch what was brought up: start again what ended, take over new secrets, stop when asked."""

import signal
import threading
import time
from collections.abc import Callable

from freehold.core.errors import FreeholdError, LockHeld, ProcessDied
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.flows import local_target, redeploy, up_state
from freehold.flows.up_work import Work

LOOK_EVERY_SECONDS = 0.25
GIVE_UP_AFTER = 6
CALM_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 10.0


def until_stopped(work: Work, report: Report, ready: Event) -> None:
    """Keep database and runtime running until SIGINT or SIGTERM; raises ProcessDied when one keeps ending.

    Who reads `ready` may send a signal at once: it is reported when one is listened to.
    """
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.set())
    watch = _Watch(work, report)
    report(ready)
    while not asked.wait(LOOK_EVERY_SECONDS):
        watch.look()


class _Watch:
    def __init__(self, work: Work, report: Report) -> None:
        self._work = work
        self._report = report
        self._target = local_target.local(work.place, work.fleet)
        self._secrets = self._target.secret_versions()
        self._failures = 0
        self._last_failure = 0.0

    def look(self) -> None:
        """Look once at everything, and mend what is broken."""
        if self._work.start_database is not None and not self._work.database_alive():
            self._again("PostgreSQL", self._work.start_database)
        if not self._work.fleet.alive:
            self._again("the runtime", self._start_runtime)
        versions = self._target.secret_versions()
        if versions != self._secrets:
            self._secrets = versions
            self._take_secrets()
        self._work.fleet.retire()

    def _take_secrets(self) -> None:
        """Make a release with the new secrets; when it does not get healthy, go on with the old ones."""
        try:
            number = redeploy.redeploy(self._work, self._target)
        except LockHeld:
            self._secrets = {}  # somebody deploys just now: look again
        except FreeholdError as error:
            text = f"the new secrets cannot be used, and the app goes on with the old ones: {error.detail}"
            self._report(Event(name="warning", text=text))
        else:
            up_state.publish(self._work)
            self._report(Event(name="note", text="new secrets are in use", values={"release": number}))

    def _start_runtime(self) -> None:
        self._work.fleet.start(self._work.fleet.live)
        up_state.publish(self._work)

    def _again(self, what: str, start: Callable[[], object]) -> None:
        """Start something that ended; wait longer each time, and give up when it never stays."""
        now = time.monotonic()
        self._failures = 1 if now - self._last_failure > CALM_SECONDS else self._failures + 1
        self._last_failure = now
        self._report(Event(name="warning", text=f"{what} ended; starting it again"))
        time.sleep(min(LONGEST_PAUSE_SECONDS, 0.1 * 2**self._failures) if self._failures > 1 else 0)
        try:
            start()
        except FreeholdError as error:
            if self._failures >= GIVE_UP_AFTER:
                raise ProcessDied(
                    f"{what} ended {self._failures} times in a row",
                    detail=f"{error.message}\n{error.detail}",
                    hint=error.hint,
                ) from error
            self._report(Event(name="warning", text=error.message))
        else:
            self._report(Event(name="note", text=f"{what} runs again"))
