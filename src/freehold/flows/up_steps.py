"""The steps of `freehold up`. Each can be killed at any line and run again; see core/plan.py."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import freehold
from freehold import platform
from freehold.core.errors import MigrationFailed
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data import migrations
from freehold.flows import up_build, up_schema, up_settings
from freehold.flows.up_database import connect_own, start_embedded
from freehold.flows.up_work import Work
from freehold.kit import postgres
from freehold.releases import placeholders, server
from freehold.secrets.age import AgeStore
from freehold.targets.local import database_access, releases
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

    work: Work
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


@dataclass(frozen=True)
class ApplyMigrations:
    """The app's own SQL, as the role that owns its tables."""

    work: Work

    @property
    def title(self) -> str:
        """Say how many files there are."""
        count = len(self.work.inventory.migrations)
        return f"Apply the app's {count} migration{'' if count == 1 else 's'}"

    def done(self) -> bool:
        """Never: the ledger in the database knows, and `migrate` asks it."""
        return False

    def run(self, report: Report) -> None:
        """Apply what the ledger lacks; raises MigrationFailed with the database as before that file."""
        owner = self.work.database.dsn(self.work.owner_role, self.work.keys.owner_password)
        try:
            outcome = migrations.migrate(
                self.work.inventory.migrations,
                owner_dsn=owner,
                admin_dsn=self.work.database.admin_dsn,
                report=report,
            )
        except MigrationFailed as error:
            error.hint += f"; or take every statement that applies: {up_schema.command(self.work, '--replay')}"
            raise
        self.work.schema_revision = outcome.revision
        up_schema.tell_of_missing_tables(self.work, report)

    def undo(self) -> bool:
        """Nothing: data and schema are never taken back silently."""
        return False


@dataclass(frozen=True)
class RenderSite:
    """The artifact's site with this place's address and key filled in."""

    work: Work
    title: str = "Fill in the app's own address and key"

    def done(self) -> bool:
        """Whether this site was rendered for this address before, or there is none."""
        if self.work.site_artifact is None:
            return True
        self._take()
        return all(target.is_dir() for _, target in self._folders())

    def run(self, _report: Report) -> None:
        """Render pages and server; each folder appears whole."""
        key = self.work.keys.publishable_key
        for source, target in self._folders():
            placeholders.render(source, target, origin=self.work.url, publishable_key=key)
        self._take()

    def _take(self) -> None:
        for source, target in self._folders():
            if source.name == server.FOLDER:
                self.work.server = target
            else:
                self.work.site = target

    def _folders(self) -> list[tuple[Path, Path]]:
        """Give each folder of the artifact, and where it is rendered."""
        built = self.work.site_artifact
        if built is None:
            return []
        pairs = ((built / "site", self._name()), (built / server.FOLDER, f"{self._name()}-server"))
        return [(source, self.work.place.rendered / name) for source, name in pairs if source.is_dir()]

    def _name(self) -> str:
        key = f"{self.work.url} {self.work.keys.publishable_key}"
        name = self.work.site_artifact.name if self.work.site_artifact else "none"
        return f"{name[:16]}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"

    def undo(self) -> bool:
        """Nothing: it is derived from the artifact."""
        return False


@dataclass(frozen=True)
class RecordRelease:
    """What is served, as one numbered record."""

    work: Work
    title: str = "Record the release"

    def done(self) -> bool:
        """Never: an equal release keeps its number."""
        return False

    def run(self, _report: Report) -> None:
        """Write the record; the same artifact, settings, secrets and schema are the same release."""
        release = releases.record(
            self.work.place.releases,
            releases.Draft(
                artifact=self.work.artifact_digest,
                config={"url": self.work.url, "app": self.work.app.name},
                secrets=up_settings.secret_versions(self.work),
                schema_revision=self.work.schema_revision,
                runtime=freehold.__version__,
            ),
        )
        self.work.release_number = release.number

    def undo(self) -> bool:
        """Nothing: history is not rewritten."""
        return False


@dataclass(frozen=True)
class StartRuntime:
    """The process that answers the app's users."""

    work: Work
    title: str = "Start the runtime"

    def done(self) -> bool:
        """Never: it is a process of this run."""
        return False

    def run(self, _report: Report) -> None:
        """Start it and wait until it is ready; raises ProcessDied with its last words."""
        self.work.runtime.start(up_settings.settings(self.work))

    def undo(self) -> bool:
        """Stop it."""
        self.work.runtime.stop()
        return True


def _login(dsn: Secret) -> database_access.Login:
    parameters = postgres.parameters(dsn)
    password = parameters.pop("password", "")
    return database_access.Login(parameters=parameters, password=Secret(password))
