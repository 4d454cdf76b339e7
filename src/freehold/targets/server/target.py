"""A server as a target: every word of the protocol is an order to the program there."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freehold.core.errors import DatabaseUnavailable, TargetUnfit
from freehold.core.plan import Report
from freehold.core.release import (
    Check,
    Condition,
    Interpreter,
    Lease,
    Manifest,
    Needs,
    Problem,
    Release,
    Standing,
    Traffic,
)
from freehold.core.secret import Secret
from freehold.core.trail import Act
from freehold.targets.server import upload
from freehold.targets.server.agent import Agent

if TYPE_CHECKING:
    from freehold.targets.server import wheels


@dataclass
class ServerTarget:
    """A Target, see core/target.py, over an open connection. `cache` keeps wheels on this machine."""

    name: str
    app: str
    agent: Agent
    cache: Path
    _described: dict[str, Any] = field(default_factory=dict)
    _runtime: "wheels.Runtime | None" = None
    _place: dict[str, Any] = field(default_factory=dict)
    """Where its database listens, and the owner's password there: asked once."""

    @property
    def address(self) -> str:
        """Where users find the app."""
        return str(self._app["address"])

    @property
    def publishable_key(self) -> str:
        """The key that pages carry."""
        return str(self._app["publishable_key"])

    def check(self, needs: Needs) -> Condition:
        """Look whether the server fits."""
        from freehold.targets.server import fitness  # noqa: PLC0415 - a way back starts without it

        facts = self.agent.ask("facts")
        with self.database() as (admin, _):
            found = fitness.condition(facts, needs, major=self._database["major"], extensions=fitness.extensions(admin))
            if fitness.is_current(admin):
                return found
            old = Problem(
                message="the server's platform schema is older than this Freehold",
                hint=f"freehold server upgrade --to {self.name}",
            )
            return replace(found, problems=(*found.problems, old))

    def interpreter(self) -> Interpreter:
        """The system's own Python there."""
        from freehold.targets.server import fitness  # noqa: PLC0415 - a way back starts without it

        facts = self.agent.ask("facts")
        for problem in fitness.confinement(facts):
            raise TargetUnfit(problem.message, hint=problem.hint)
        return Interpreter(version=facts["python"], machine=facts["machine"], glibc=facts["glibc"])

    @contextlib.contextmanager
    def database(self) -> Iterator[tuple[Secret, Secret]]:
        """Reach the app's PostgreSQL through the connection: its socket there is a socket here."""
        from freehold.kit import postgres  # noqa: PLC0415 - likewise

        place = self._database
        with self.agent.connection.forwarded(Path(place["folder"]) / f".s.PGSQL.{place['port']}") as socket:
            base = {"host": str(socket.parent), "port": str(place["port"]), "dbname": str(place["name"])}
            admin = postgres.with_defaults("", **base, user=str(place["superuser"]))
            yield Secret(admin), Secret(postgres.with_login(admin, str(place["owner"]), place["password"].reveal()))

    def releases(self) -> tuple[Standing, ...]:
        """Every release there."""
        found = self.agent.ask("releases", app=self.app)
        return tuple(Standing(**(item | {"release": Release(**item["release"])})) for item in found)

    def manifest(self, number: int) -> Manifest:
        """What a release is compared by."""
        return Manifest(**self.agent.ask("manifest", app=self.app, number=number))

    def push(self, lease: Lease, parts: Mapping[str, Path], report: Report) -> None:
        """Bring the runtime and the parts there."""
        self.renew_lock(lease)
        self.push_runtime(report)
        listed = {name: upload.entries(folder) for name, folder in parts.items()}
        upload.send(self.agent, {entry.digest: entry.path for every in listed.values() for entry in every}, report)
        for name, found in listed.items():
            self.agent.ask("part", app=self.app, digest=parts[name].name, names=upload.listing(found))

    def push_runtime(self, report: Report) -> None:
        """Bring this tool's own runtime there, unless it is."""
        runtime = self.runtime()
        if runtime.id in self.agent.ask("runtimes"):
            return
        content = {**runtime.wheels, **{entry.digest: entry.path for entry in runtime.sources}}
        upload.send(self.agent, content, report)
        self.agent.ask("wheels", wheels_id=runtime.wheels_id, wheels=sorted(runtime.wheels))
        listing = upload.listing(runtime.sources)
        self.agent.ask("runtime", runtime=runtime.id, wheels_id=runtime.wheels_id, sources=listing)

    def has_runtime(self) -> bool:
        """Whether this tool's own runtime is there."""
        return self.runtime().id in self.agent.ask("runtimes")

    def digest_rows(self, statement: str) -> tuple[int, int]:
        """Count and hash what a COPY TO STDOUT gives, on the server; see kit/row_digest.py."""
        from freehold.kit import postgres  # noqa: PLC0415 - likewise

        rows, total = self.agent.ask("rows-digest", app=self.app, statement=statement, options=postgres.SAME_TEXTS)
        return rows, total

    def has_database(self) -> bool:
        """Whether the app has a PostgreSQL there."""
        try:
            self.agent.ask("database", app=self.app)
        except DatabaseUnavailable:
            return False
        return True

    def passwords(self) -> dict[str, str]:
        """Passwords of the database's login roles; none before there are keys."""
        return dict(self.agent.ask("keys", app=self.app))

    def runtime(self) -> "wheels.Runtime":
        """What this tool would run the app with there."""
        if self._runtime is None:
            from freehold.targets.server import wheels  # noqa: PLC0415 - likewise

            facts = self.agent.ask("facts")
            self._runtime = wheels.gather(facts["python"], facts["machine"], self.cache)
        return self._runtime

    def add(self, lease: Lease, release: Release, manifest: Manifest) -> None:
        """Make the release of what was pushed."""
        runtime = self.runtime().id
        values: dict[str, Any] = {"manifest": asdict(manifest), "runtime": runtime}
        self.agent.ask("add", app=self.app, lease=asdict(lease), release=asdict(release), **values)

    def healthy(self, lease: Lease, number: int) -> tuple[Check, ...]:
        """Start it and look."""
        found = self.agent.ask("healthy", app=self.app, lease=asdict(lease), number=number)
        return tuple(Check(**item) for item in found)

    def switch(self, lease: Lease, number: int) -> None:
        """One rename there."""
        self.agent.ask("switch", app=self.app, lease=asdict(lease), number=number)

    def act(self, flow: str, order: Mapping[str, object], report: Report) -> None:
        """Have a flow carried out there: one order."""
        self.agent.ask(flow, report=report, app=self.app, target=self.name, order=dict(order))

    def traffic(self, number: int) -> Traffic:
        """What it has answered."""
        return Traffic(**self.agent.ask("traffic", app=self.app, number=number))

    def mark(self, lease: Lease, number: int, *, bad: str) -> None:
        """Say why it is bad."""
        self.agent.ask("mark", app=self.app, lease=asdict(lease), number=number, bad=bad)

    def pin(self, lease: Lease, number: int, *, pinned: bool) -> None:
        """Keep it."""
        self.agent.ask("pin", app=self.app, lease=asdict(lease), number=number, pinned=pinned)

    def remove(self, lease: Lease, number: int) -> None:
        """Stop and delete it."""
        self.agent.ask("remove", app=self.app, lease=asdict(lease), number=number)

    def secret_versions(self) -> dict[str, str]:
        """Names and newest versions."""
        return dict(self.agent.ask("secret-versions", app=self.app))

    def put_secret(self, name: str, value: Secret) -> str:
        """Keep a new version; it travels on standard input and lies there encrypted."""
        return str(self.agent.ask("put-secret", app=self.app, name=name, value=value.reveal()))

    def take_lock(self, holder: str, purpose: str, *, process: str, seconds: int) -> Lease:
        """Take the lock."""
        values: dict[str, Any] = {"holder": holder, "purpose": purpose, "process": process, "seconds": seconds}
        return Lease(**self.agent.ask("take-lock", app=self.app, **values))

    def renew_lock(self, lease: Lease) -> None:
        """Go on holding it."""
        self.agent.ask("renew-lock", app=self.app, lease=asdict(lease))

    def drop_lock(self, lease: Lease) -> None:
        """Give it back."""
        self.agent.ask("drop-lock", app=self.app, lease=asdict(lease))

    def lock(self) -> Lease | None:
        """Who holds it."""
        found = self.agent.ask("lock", app=self.app)
        return Lease(**found) if found else None

    def break_lock(self, token: str) -> None:
        """End a lease."""
        self.agent.ask("break-lock", app=self.app, token=token)

    def record(self, act: Act) -> None:
        """Append to the trail."""
        self.agent.ask("record", app=self.app, act=asdict(act))

    def trail(self) -> tuple[str, ...]:
        """The trail's lines."""
        return tuple(self.agent.ask("trail", app=self.app))

    def logs(self, *, lines: int, follow: bool, of: str = "") -> Iterator[str]:
        """What releases have logged, or what one of the app's programs has printed."""
        return self.agent.logs(self.app, lines=lines, follow=follow, of=of)

    def logged(self) -> tuple[str, ...]:
        """The programs that have printed something."""
        return tuple(self.agent.ask("logged", app=self.app))

    @property
    def _database(self) -> dict[str, Any]:
        """Each order is a journey, and a deploy opens its database three times."""
        if not self._place:
            found = self.agent.ask("database", app=self.app)
            password = self.passwords().get("owner_password", "")
            if not password:
                return {**found, "password": Secret("")}
            self._place.update(found, password=Secret(password))
        return self._place

    @property
    def _app(self) -> dict[str, Any]:
        if not self._described:
            self._described.update(self.agent.ask("app", app=self.app))
        return self._described
