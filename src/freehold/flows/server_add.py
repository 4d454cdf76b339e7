"""Make a bare machine the server of an app: the recipe behind `freehold server add`."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import BadUsage, TargetUnfit
from freehold.core.event import Event
from freehold.core.plan import Plan, Report
from freehold.core.release import Condition
from freehold.engine.apply import apply
from freehold.engine.journal import Journal
from freehold.flows import server_steps, targets
from freehold.kit import ssh
from freehold.secrets.age import AgeStore
from freehold.targets.local.place import identity_file
from freehold.targets.server import fitness
from freehold.targets.server.agent import Agent
from freehold.targets.server.target import ServerTarget

TLS = ("acme", "internal", "off")
NAME = "production"


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the owner asked for. Without a domain the app is served plainly at the machine's own address."""

    address: str
    app: str
    cache: Path
    name: str = NAME
    domains: tuple[str, ...] = ()
    tls: str = "acme"
    """acme: a public certificate; internal: one of the server's own authority; off: plain HTTP, before DNS is set."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A plan with what it was made from."""

    plan: Plan
    condition: Condition
    url: str


@contextlib.contextmanager
def offered(request: Request, report: Report) -> Iterator[Offer]:
    """Look at the machine and say what would be done; nothing was changed there but our program laid down, and Python.

    Raises TargetUnreachable, or TargetUnfit with every reason at once.
    """
    address = ssh.parse(request.address)
    url, hosts = _where(request, address)
    report(Event(name="step-started", text=f"Look at {address}"))
    with ssh.connect(address, learn_host_key=True) as connection:
        agent = Agent(connection)
        if agent.need_python():
            report(
                Event(name="note", text="Python 3 was not there, and was installed: what looks at it is written in it")
            )
        condition = fitness.bare(agent.ask("facts"))
        if condition.problems:
            raise _unfit(str(address), condition)
        target = ServerTarget(name=request.name, app=request.app, agent=agent, cache=request.cache)
        wish = server_steps.wish(agent, request.app, hosts=hosts, url=url, tls=_tls(request), recipient=_recipient())
        report(Event(name="step-finished"))
        yield Offer(plan=server_steps.plan(target, wish, str(address)), condition=condition, url=url)


def add(offer: Offer, report: Report, journal: Journal) -> None:
    """Do what was offered."""
    apply(offer.plan, report, journal)


def record(request: Request, offer: Offer) -> None:
    """Write the machine into the file of targets."""
    values = {"kind": "server", "address": request.address, "app": request.app, "url": offer.url}
    targets.add(request.name, values)


def add_target(request: Request, report: Report, journal: Journal) -> None:
    """Make the machine a server without showing the plan first, and write it down as a target."""
    with offered(request, report) as offer:
        add(offer, report, journal)
        record(request, offer)
    report(Event(name="note", text=f"{request.address} is the target {request.name} now, at {offer.url}"))


def name_of(folder: Path) -> str:
    """The app's name on a server where its owner gives none: of its folder."""
    stem = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-0123456789")
    return stem[:24].strip("-") or "app"


def _where(request: Request, address: ssh.Address) -> tuple[str, tuple[str, ...]]:
    if request.tls not in TLS:
        raise BadUsage(f"--tls {request.tls} is not known", hint="--tls acme, internal or off")
    if request.domains:
        return f"{'http' if request.tls == 'off' else 'https'}://{request.domains[0]}", request.domains
    host = ssh.host_name(address).lower()
    if ":" in host:
        raise BadUsage("an app cannot be served at a bare IPv6 address", hint="--domain shop.example.org")
    return f"http://{host}", (host,)


def _tls(request: Request) -> str:
    return request.tls if request.domains else "off"


def _recipient() -> str:
    """For whom nightly dumps are encrypted: the identity that opens this owner's secrets."""
    identity = identity_file()
    return AgeStore(identity.parent, identity).recipient()


def _unfit(address: str, condition: Condition) -> TargetUnfit:
    lines = [f"{item.message}{': ' + item.detail if item.detail else ''} ({item.hint})" for item in condition.problems]
    return TargetUnfit(
        f"{address} does not fit, and nothing was changed there",
        detail="\n".join(lines),
        hint=condition.problems[0].hint,
    )
