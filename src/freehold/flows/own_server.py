"""The app's own Python server in a deploy: its place in the database, and what its migrations take away."""

from dataclasses import dataclass
from pathlib import Path

from freehold import platform
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data import migrations, server_migrations
from freehold.data.closing import Closing
from freehold.flows.deploy_work import Deploy
from freehold.flows.up_work import Build
from freehold.kit import files as kit_files
from freehold.kit import postgres
from freehold.releases import python_packages, python_server, server

PYTHON = "python"


@dataclass(frozen=True)
class AdmitServerMigrations:
    """The server runs its migrations itself when it starts; what they take away is asked and written down before."""

    deploy: Deploy
    title: str = "Give the app's own server its place in the database, and look at its migrations"

    def done(self) -> bool:
        """Never: the ledger in the database knows, and tables may have come."""
        return False

    def run(self, report: Report) -> None:
        """Look, then write down; raises NotAccepted or DatabaseUnfit with nothing changed that older releases need."""
        deploy, listed = self.deploy, files(self.deploy.build)
        consent = migrations.Consent(accepted(deploy), deploy.who) if deploy.before else None
        with deploy.target.database() as (admin, _):
            with postgres.connect(admin) as connection:
                platform.open_to_server(connection)
            new = server_migrations.admit(listed, admin, consent)
            deploy.schema_position = migrations.position(admin)
        own = {file.name for file in listed if file.is_apps} & {*new}
        if own:
            report(Event(name="progress", text=f"the app's server runs {_counted(len(own))} of its own at its start"))

    def undo(self) -> bool:
        """Nothing: what was written down concerns older releases only once it has run, and then rightly."""
        return False


def runtime(build: Build) -> str:
    """Name what the app's own server needs, as it was built: python, or "" for Node or none."""
    folder = _folder(build)
    return server.runtime(folder) if folder is not None else ""


def has_one(build: Build) -> bool:
    """Whether the app brings a server that Freehold starts beside its pages."""
    return build.inventory.started_server is not None


def described(build: Build) -> dict[str, object] | None:
    """Say what the app's own server is, and what it answers: () is every page; None for an app without one."""
    started = build.inventory.started_server
    if started is not None:
        return {"framework": started.framework, "answers": list(started.paths)}
    rendered = next((item.framework for item in build.inventory.frontends if item.server), "")
    return {"framework": rendered, "answers": []} if rendered else None


def files(build: Build) -> tuple[server_migrations.File, ...]:
    """The migrations of the app's code and of the packages that it brings."""
    folder = _folder(build)
    if folder is None:
        return ()
    parts = ((folder / python_server.APP, True), (folder / python_packages.PACKAGES, False))
    return server_migrations.found(
        (part, kit_files.list_files(part), is_apps) for part, is_apps in parts if part.is_dir()
    )


def packages(build: Build) -> dict[str, str]:
    """Name the Python packages that were installed, with their versions."""
    folder = _folder(build)
    installed = (folder / python_packages.PACKAGES).glob("*.dist-info") if folder is not None else ()
    parts = (path.name.removesuffix(".dist-info").partition("-") for path in sorted(installed))
    return {f"python:{name}": found for name, _, found in parts}


def ahead(build: Build, admin: Secret) -> dict[str, tuple[Closing, ...]]:
    """Give what the migrations in the app's own code would close, by their files' names; nothing has to be built."""
    started = build.inventory.started_server
    if started is None:
        return {}
    root = build.app.root / started.root
    listed = server_migrations.found([(root, python_server.code(root), True)])
    return {f"{name}.py": closings for name, closings in server_migrations.ahead(listed, admin).items()}


def accepted(deploy: Deploy) -> frozenset[str]:
    """Those of the names to accept that are migrations of the server."""
    names = {file.name for file in files(deploy.build)} if deploy.accept else ()
    return frozenset(name for name in deploy.accept if name.removesuffix(".py") in names)


def _folder(build: Build) -> Path | None:
    return build.site_artifact / server.FOLDER if build.site_artifact is not None else None


def _counted(count: int) -> str:
    return f"{count} new migration{'' if count == 1 else 's'}"
