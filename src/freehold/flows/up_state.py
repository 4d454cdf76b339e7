"""What a running `freehold up` tells the other commands."""

from freehold.flows.up_work import Work
from freehold.targets.local import state


def publish(work: Work) -> None:
    """Write the place's state; again whenever the runtime was started anew."""
    pid, started = state.me()
    running = state.Running(
        pid=pid,
        started=started,
        url=work.url,
        app=work.app.name,
        origin=work.app.origin,
        release=work.fleet.live,
        database=work.database.described,
        embedded=work.database_url is None,
        runtime_pid=work.fleet.pid,
    )
    state.write(work.place.state, running)
