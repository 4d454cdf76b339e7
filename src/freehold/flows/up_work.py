"""What the steps of `freehold up` share: the app, its place, and what earlier steps found out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from freehold.core.app import App
from freehold.core.inventory import Inventory
from freehold.core.release import FUNCTIONS, SITE, Interpreter
from freehold.core.secret import Secret
from freehold.kit import postgres
from freehold.releases.server import FOLDER as SERVER
from freehold.secrets.age import AgeStore
from freehold.targets.local.fleet import Fleet
from freehold.targets.local.keys import Keys
from freehold.targets.local.place import Place

SUPPLIED = frozenset({"LOVABLE_API_KEY"})
"""Names that builders set themselves and Freehold supplies."""


@dataclass(frozen=True, kw_only=True)
class Database:
    """Where the app's database is, as its administrator reaches it."""

    admin_dsn: Secret
    described: str
    """Host, port and name; no password."""

    def dsn(self, user: str, password: str) -> Secret:
        """The same database for another login."""
        return Secret(postgres.with_login(self.admin_dsn.reveal(), user, password))


@dataclass(kw_only=True)
class Build:
    """An app and what was built of it; the folders are empty until it was. `place` has the caches."""

    place: Place
    app: App
    inventory: Inventory
    site_artifact: Path | None = None
    functions_artifact: Path | None = None
    artifact_digest: str = ""
    functions_not_startable: Mapping[str, str] = field(default_factory=dict)
    interpreter: Interpreter | None = None
    """The Python of the place that this is for; None is the one that runs this."""

    @property
    def parts(self) -> dict[str, Path]:
        """The folders that a release is made of, each named by its digest."""
        folders = {SITE: self.site_artifact, FUNCTIONS: self.functions_artifact}
        return {name: folder for name, folder in folders.items() if folder is not None}

    @property
    def has_server(self) -> bool:
        """Whether the app's own server was built with the site."""
        return self.site_artifact is not None and (self.site_artifact / SERVER).is_dir()

    @property
    def function_names(self) -> tuple[str, ...]:
        """Every edge function of the app."""
        return tuple(function.name for function in self.inventory.functions)

    @property
    def confirms_by_mail(self) -> bool:
        """Whether a new user gets in by what stands in a mail."""
        auth = self.inventory.settings.get("auth")
        email = auth.get("email") if isinstance(auth, Mapping) else None
        return isinstance(email, Mapping) and email.get("enable_confirmations") is True

    def unset_secrets(self, names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """Names that functions or the server read and that are not among `names`, each with those that read it."""
        known = {*names, *SUPPLIED}
        users: dict[str, list[str]] = {}
        for function in self.inventory.functions:
            for name in function.secrets:
                if name not in known and not name.startswith("SUPABASE_"):
                    users.setdefault(name, []).append(function.name)
        for name in self.inventory.secrets if self.has_server else ():
            if name not in known:
                users.setdefault(name, []).append("the app's server")
        return {name: tuple(functions) for name, functions in sorted(users.items())}


@dataclass(kw_only=True)
class Work(Build):
    """Mutable on purpose: each step fills in what the next ones need."""

    keys: Keys
    secrets: AgeStore
    database_url: Secret | None
    replay: bool = False
    fill_from_types: bool = False
    fill_from_code: bool = False
    url: str = ""
    stop_database: Callable[[], None] = field(default=lambda: None)
    start_database: Callable[[], object] | None = None
    database_alive: Callable[[], bool] = field(default=lambda: True)
    owner_role: str = ""
    _database: Database | None = None
    _fleet: Fleet | None = None

    @property
    def database(self) -> Database:
        """The database; only after it was started."""
        if self._database is None:
            message = "the database was not started"
            raise RuntimeError(message)
        return self._database

    @database.setter
    def database(self, database: Database) -> None:
        self._database = database

    @property
    def fleet(self) -> Fleet:
        """The releases that run; only after the address is known."""
        if self._fleet is None:
            message = "there is no address yet"
            raise RuntimeError(message)
        return self._fleet

    @fleet.setter
    def fleet(self, fleet: Fleet) -> None:
        self._fleet = fleet
