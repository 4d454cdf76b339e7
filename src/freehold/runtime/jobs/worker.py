"""All background work of this process, for as long as it leads."""

from collections.abc import Callable

from freehold.runtime.database import notifications
from freehold.runtime.jobs.cron import Cron
from freehold.runtime.jobs.net import Net
from freehold.runtime.leader import Duty
from freehold.runtime.services import Services

CHANNEL = "freehold_worker"


class Worker:
    """Cron, net, and PostgreSQL's word that something waits. Queues of pgmq need nobody."""

    def __init__(self, services: Services, notified: Callable[[str], None]) -> None:
        """`notified` hears what is not for cron or net."""
        self._services = services
        self._notified = notified
        self._net = Net(services.rest, services.settings)

    def duties(self) -> tuple[Duty, ...]:
        """What the leader does; without a login for jobs they are not run."""
        jobs = self._services.settings.jobs_dsn
        cron = () if jobs is None else (Cron(self._services.rest, jobs).run,)
        return (self._listen, self._net.run, *cron)

    async def _listen(self) -> None:
        async for what in notifications(self._services.settings.rest_dsn, CHANNEL):
            if what in {None, "net"}:
                self._net.wake()
            if what != "net":
                self._notified(what or "broadcast")
