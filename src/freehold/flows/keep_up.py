"""Watch what was brought up: start again what ended, take over new secrets, stop when asked."""

import signal
import threading
import time
from collections.abc import Callable

from freehold.core.errors import FreeholdError, ProcessDied
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.flows import up_settings, up_state
from freehold.flows.up_work import Work

LOOK_EVERY_SECONDS = 0.25
GIVE_UP_AFTER = 6
CALM_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 10.0


def until_stopped(work: Work, report: Report) -> None:
    """Keep database and runtime running until SIGINT or SIGTERM; raises ProcessDied when one keeps ending."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: asked.set())
    watch = _Watch(work, report)
    while not asked.wait(LOOK_EVERY_SECONDS):
        watch.look()


class _Watch:
    def __init__(self, work: Work, report: Report) -> None:
        self._work = work
        self._report = report
        self._secrets = up_settings.secret_versions(work)
        self._failures = 0
        self._last_failure = 0.0

    def look(self) -> None:
        """Look once at everything, and mend what is broken."""
        if self._work.start_database is not None and not self._work.database_alive():
            self._again("PostgreSQL", self._work.start_database)
        if not self._work.runtime.alive:
            self._again("the runtime", self._start_runtime)
        versions = up_settings.secret_versions(self._work)
        if versions != self._secrets:
            self._secrets = versions
            self._take_secrets()

    def _take_secrets(self) -> None:
        """Serve with the new secrets; when the runtime does not start with them, go on with the old ones."""
        try:
            self._start_runtime()
        except FreeholdError as error:
            text = f"the new secrets cannot be used, and the app goes on with the old ones: {error.detail}"
            self._report(Event(name="warning", text=text))
        else:
            self._report(Event(name="note", text="new secrets are in use"))

    def _start_runtime(self) -> None:
        self._work.runtime.start(up_settings.settings(self._work))
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
