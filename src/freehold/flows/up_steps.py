"""The steps of `freehold up`. Each can be killed at any line and run again; see core/plan.py."""

from dataclasses import dataclass

from freehold import platform
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.flows import up_build
from freehold.flows.up_database import connect_own, start_embedded
from freehold.flows.up_work import Build, Work
from freehold.kit import postgres
from freehold.secrets.age import AgeStore
from freehold.targets.local import database_access
from freehold.targets.local.place import identity_file


@dataclass(frozen=True)
class StartDatabase:
    """The embedded PostgreSQL, or a look at the owner's own."""

    work: Work

    @property
    def title(self) -> str:
        """Differs by whose database it is."""
        return "Start PostgreSQL" if self.work.database_url is None else "Look at your PostgreSQL"

    def done(self) -> bool:
        """Never: a server that runs already is adopted."""
        return False

    def run(self, _report: Report) -> None:
        """Start or reach it; raises DatabaseUnavailable or DatabaseUnfit."""
        if self.work.database_url is None:
            start_embedded(self.work)
        else:
            connect_own(self.work, self.work.database_url)

    def undo(self) -> bool:
        """Stop the embedded one; the owner's own is left alone."""
        self.work.stop_database()
        return self.work.database_url is None


@dataclass(frozen=True)
class InstallPlatform:
    """Roles, schemas and functions that the app expects of its back end."""

    work: Work
    title: str = "Give the database the roles and schemas that the app expects"

    def done(self) -> bool:
        """Never: `install` itself skips what is there."""
        return False

    def run(self, _report: Report) -> None:
        """Apply the platform's revisions that are missing, in one transaction each."""
        work, keys = self.work, self.work.keys
        logins = platform.Logins(
            authenticator=Secret(keys.authenticator_password),
            auth_admin=Secret(keys.auth_password),
            storage_admin=Secret(keys.storage_password),
            owner=Secret(keys.owner_password),
            server=Secret(keys.server_password),
        )
        with postgres.connect(work.database.admin_dsn) as connection:
            platform.install(connection, logins=logins)
            work.owner_role = platform.owner_role(connection)
        self._keep_access()

    def _keep_access(self) -> None:
        """Keep both logins, so that `freehold db shell` finds them."""
        admin = self.work.database.admin_dsn
        owner = self.work.database.dsn(self.work.owner_role, self.work.keys.owner_password)
        access = database_access.Access(admin=_login(admin), owner=_login(owner))
        database_access.write(AgeStore(self.work.place.keys, identity_file()), access)

    def undo(self) -> bool:
        """Nothing: an installed platform harms nobody, and the next run goes on from it."""
        return False


@dataclass(frozen=True)
class BuildArtifact:
    """The site, and the functions with everything they import."""

    work: Build
    title: str = "Build the site and fetch what its functions import"

    def done(self) -> bool:
        """Never: both builders know what they built before, and take it."""
        return False

    def run(self, report: Report) -> None:
        """Build in a scratch copy; raises BuildFailed."""
        up_build.build(self.work, report)

    def undo(self) -> bool:
        """Nothing: an artifact is complete or not there, and the next run may use it."""
        return False


def _login(dsn: Secret) -> database_access.Login:
    parameters = postgres.parameters(dsn)
    password = parameters.pop("password", "")
    return database_access.Login(parameters=parameters, password=Secret(password))
