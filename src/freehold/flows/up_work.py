"""What the steps of `freehold up` share: the app, its place, and what earlier steps found out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from freehold.core.app import App
from freehold.core.inventory import Inventory
from freehold.core.secret import Secret
from freehold.kit import postgres
from freehold.secrets.age import AgeStore
from freehold.targets.local.keys import Keys
from freehold.targets.local.place import Place
from freehold.targets.local.runtime import Runtime

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
class Work:
    """Mutable on purpose: each step fills in what the next ones need."""

    place: Place
    app: App
    inventory: Inventory
    keys: Keys
    secrets: AgeStore
    runtime: Runtime
    database_url: Secret | None
    replay: bool = False
    fill_from_types: bool = False
    fill_from_code: bool = False
    url: str = ""
    stop_database: Callable[[], None] = field(default=lambda: None)
    start_database: Callable[[], object] | None = None
    database_alive: Callable[[], bool] = field(default=lambda: True)
    owner_role: str = ""
    schema_revision: str = ""
    site_artifact: Path | None = None
    functions_artifact: Path | None = None
    artifact_digest: str = ""
    site: Path | None = None
    server: Path | None = None
    """The app's own server as rendered for this place."""
    release_number: int = 0
    functions_not_startable: Mapping[str, str] = field(default_factory=dict)
    _database: Database | None = None

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
    def function_names(self) -> tuple[str, ...]:
        """Every edge function of the app."""
        return tuple(function.name for function in self.inventory.functions)

    def unset_secrets(self) -> dict[str, tuple[str, ...]]:
        """Names that functions or the server read and nobody has set, each with those that read it."""
        known = {*self.secrets.names(), *SUPPLIED}
        users: dict[str, list[str]] = {}
        for function in self.inventory.functions:
            for name in function.secrets:
                if name not in known and not name.startswith("SUPABASE_"):
                    users.setdefault(name, []).append(function.name)
        for name in self.inventory.secrets if self.server else ():
            if name not in known:
                users.setdefault(name, []).append("the app's server")
        return {name: tuple(functions) for name, functions in sorted(users.items())}
