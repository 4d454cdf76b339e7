"""The steps that make a machine a server. Each looks first, so that a second run changes nothing."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from freehold import platform
from freehold.core.plan import Plan, Report, Step
from freehold.core.secret import Secret
from freehold.kit import postgres
from freehold.targets.local import keys
from freehold.targets.server.agent import Agent
from freehold.targets.server.target import ServerTarget

PARTS: Mapping[str, str] = {
    "packages": "Install Debian's packages: Caddy, PostgreSQL, age",
    "home": "Make the app's user and folders",
    "database": "Make a PostgreSQL for the app that only this machine reaches, tuned to its memory",
    "units": "Lay down the units: releases, start at boot, warm releases, nightly dumps",
    "proxy": "Let Caddy hand the app's host name to whichever release is live",
}


def wish(  # noqa: PLR0913 - all named
    agent: Agent, app: str, *, hosts: tuple[str, ...], url: str, tls: str, recipient: str
) -> dict[str, Any]:
    """What is wanted there, for the program on the server."""
    values = {"app": app, "hosts": list(hosts), "address": url, "recipient": recipient}
    return {**values, "tls": tls, "program": agent.digest}


def plan(target: ServerTarget, wish: dict[str, Any], address: str) -> Plan:
    """Every step, in order."""
    done: dict[str, bool] = target.agent.ask("prepared", wish=wish)
    parts: tuple[Step, ...] = tuple(Part(target, wish, name, is_done=done[name]) for name in PARTS)
    own = (PushRuntime(target), MakeKeys(target), InstallPlatform(target))
    return Plan(purpose=f"Make {address} the server of {target.app}", steps=(*parts, *own))


def same_wish(target: ServerTarget) -> dict[str, Any]:
    """What was wanted there the last time; raises NotRunning when nothing ever was."""
    known = target.agent.ask("app", app=target.app)
    return wish(
        target.agent,
        target.app,
        hosts=tuple(known["hosts"]),
        url=known["address"],
        tls=known["tls"],
        recipient=known["recipient"],
    )


@dataclass(frozen=True)
class Part:
    """One part of the machine."""

    target: ServerTarget
    wish: dict[str, Any]
    name: str
    is_done: bool

    @property
    def title(self) -> str:
        """What it is."""
        return PARTS[self.name]

    def done(self) -> bool:
        """As the server said when the plan was made."""
        return self.is_done

    def run(self, _report: Report) -> None:
        """Do it."""
        self.target.agent.ask("prepare", wish=self.wish, part=self.name)

    def undo(self) -> bool:
        """Nothing: a half-prepared server serves nobody, and the next run goes on."""
        return False


@dataclass(frozen=True)
class PushRuntime:
    """Freehold itself, with its wheels."""

    target: ServerTarget
    title: str = "Bring Freehold's runtime there; the server asks no registry"

    def done(self) -> bool:
        """Whether exactly this one is there."""
        return self.target.has_runtime()

    def run(self, report: Report) -> None:
        """Bring what is missing."""
        self.target.push_runtime(report)

    def undo(self) -> bool:
        """Nothing: it lies beside the others."""
        return False


@dataclass(frozen=True)
class MakeKeys:
    """The app's keys and its database's passwords."""

    target: ServerTarget
    title: str = "Make the app's keys; they stay there, encrypted with a key of the machine"

    def done(self) -> bool:
        """Whether all are there: each is made once."""
        return "server_password" in self.target.passwords()

    def run(self, _report: Report) -> None:
        """Make them; those that another run has made meanwhile win."""
        self.target.agent.ask("keep-keys", app=self.target.app, keys=asdict(keys.make()))

    def undo(self) -> bool:
        """Nothing: nobody uses them yet."""
        return False


@dataclass(frozen=True)
class InstallPlatform:
    """Roles, schemas and functions that the app expects of its back end."""

    target: ServerTarget
    title: str = "Give the database the roles and schemas that the app expects"

    def done(self) -> bool:
        """Whether every revision is there and every role has its password."""
        if "server_password" not in self.target.passwords() or not self.target.has_database():
            return False
        with self.target.database() as (admin, owner), postgres.connect(admin) as connection:
            server = postgres.with_login(admin.reveal(), "freehold_server", self.target.passwords()["server_password"])
            return platform.is_current(connection) and postgres.answers(owner) and postgres.answers(Secret(server))

    def run(self, _report: Report) -> None:
        """Apply the revisions that are missing, through the connection."""
        own = self.target.passwords()
        logins = platform.Logins(
            authenticator=Secret(own["authenticator_password"]),
            auth_admin=Secret(own["auth_password"]),
            storage_admin=Secret(own["storage_password"]),
            owner=Secret(own["owner_password"]),
            server=Secret(own["server_password"]),
        )
        with self.target.database() as (admin, _), postgres.connect(admin) as connection:
            platform.install(connection, logins=logins)

    def undo(self) -> bool:
        """Nothing: an installed platform harms nobody."""
        return False
