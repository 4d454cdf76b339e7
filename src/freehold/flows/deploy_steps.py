"""What a deploy does before and after the traffic moves. Each step can be killed at any line and run again."""

from dataclasses import dataclass
from datetime import UTC, datetime

import freehold
from freehold.core.errors import TargetUnfit
from freehold.core.event import Event
from freehold.core.plan import Report
from freehold.core.release import Needs, Release
from freehold.data import entities, migrations
from freehold.flows import manifest, own_server, snapshot
from freehold.flows.deploy_work import Deploy
from freehold.flows.up_work import Build
from freehold.kit import files, git
from freehold.releases import history

SPARE_DISK_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class CheckPlace:
    """Whether the target has what the release needs, before anything is copied."""

    deploy: Deploy
    title: str = "See whether the release fits"

    def done(self) -> bool:
        """Never: a disk fills up."""
        return False

    def run(self, _report: Report) -> None:
        """Look; raises TargetUnfit with the first problem, and the others below it."""
        size = sum(
            (folder / name).stat().st_size
            for folder in self.deploy.build.parts.values()
            for name in files.list_files(folder)
        )
        needs = Needs(
            runtime=freehold.__version__,
            disk_bytes=SPARE_DISK_BYTES + 2 * size,
            server_runtime=own_server.runtime(self.deploy.build),
        )
        problems = self.deploy.target.check(needs).problems
        if problems:
            first, *others = problems
            detail = "\n".join([first.detail, *(item.message for item in others)]).strip()
            raise TargetUnfit(first.message, detail=detail, hint=first.hint)

    def undo(self) -> bool:
        """Nothing: it only looks."""
        return False


@dataclass(frozen=True)
class PushParts:
    """The built folders, as far as the target lacks them."""

    deploy: Deploy
    title: str = "Bring over what is missing there"

    def done(self) -> bool:
        """Never: the target knows what it has."""
        return False

    def run(self, report: Report) -> None:
        """Push; raises TargetUnfit when there is no room."""
        self.deploy.target.push(self.deploy.lease, self.deploy.build.parts, report)

    def undo(self) -> bool:
        """Nothing: a part is whole there or not at all, and the next run uses it."""
        return False


@dataclass(frozen=True)
class ApplyMigrations:
    """The app's own SQL that has not run there, while the release before goes on serving."""

    deploy: Deploy

    @property
    def title(self) -> str:
        """Say how many files there are."""
        count = len(self.deploy.build.inventory.migrations)
        if not count:
            return "See that the app has no migrations"
        return f"Apply what is new of the app's {count} migration{'' if count == 1 else 's'}"

    def done(self) -> bool:
        """Never: the ledger in the database knows, and `migrate` asks it."""
        return False

    def run(self, report: Report) -> None:
        """Apply what the ledger lacks; raises MigrationFailed, NotAccepted or MigrationChanged."""
        deploy = self.deploy
        others = accepted_entities(deploy) | own_server.accepted(deploy)
        consent = migrations.Consent(deploy.accept - others, deploy.who) if deploy.before else None
        with deploy.target.database() as (admin, owner):
            outcome = migrations.migrate(
                deploy.build.inventory.migrations, owner_dsn=owner, admin_dsn=admin, report=report, consent=consent
            )
        deploy.schema_revision, deploy.schema_position = outcome.revision, outcome.position
        deploy.restore_point = outcome.restore_point
        if outcome.restore_point:
            report(Event(name="note", text=f"restore point {outcome.restore_point} stands before it"))

    def undo(self) -> bool:
        """Nothing: data and schema are never taken back silently."""
        return False


@dataclass(frozen=True)
class ApplyEntities:
    """The tables of records that JSON schemas describe, their rules as policies, and what changed since last time."""

    deploy: Deploy
    title: str = "Make the tables of the app's entities, with their rules"

    def done(self) -> bool:
        """Never: `apply` knows what is there."""
        return False

    def run(self, report: Report) -> None:
        """Apply what is new; raises MigrationFailed or NotAccepted with every table as it was."""
        deploy, records = self.deploy, self.deploy.build.inventory.records
        consent = migrations.Consent(accepted_entities(deploy), deploy.who) if deploy.before else None
        with deploy.target.database() as (admin, owner):
            changes = entities.apply(records, owner_dsn=owner, report=report, consent=consent)
            deploy.schema_position = migrations.position(admin)
        inferred = sorted(item.name for item in records if not item.declared and item.kind == "entity")
        if changes and inferred:
            text = f"no file describes {', '.join(inferred)}: such a record is for its maker and for admins only, "
            report(Event(name="warning", text=text + "until base44/entities/<name>.jsonc says otherwise"))
        deploy.schema_revision = f"{deploy.schema_revision}+{entities.revision(records)}"

    def undo(self) -> bool:
        """Nothing: a change loses no value, and the next run goes on from it."""
        return False


@dataclass(frozen=True)
class AddRelease:
    """The record: what is served as one numbered whole."""

    deploy: Deploy
    title: str = "Record the release"

    def done(self) -> bool:
        """Never: an equal release keeps its number."""
        return False

    def run(self, report: Report) -> None:
        """Give the release its number, or take the newest one when it holds the same."""
        deploy = self.deploy
        deploy.standings = deploy.target.releases()
        draft = self._draft()
        deploy.unset_secrets = tuple(deploy.build.unset_secrets(draft.secrets))
        known = history.again(deploy.standings, draft)
        if known is None:
            with deploy.target.database() as (admin, _):
                surface = manifest.take(deploy.build, admin)
            deploy.target.add(deploy.lease, draft, surface)
            deploy.number, deploy.is_new = draft.number, True
        elif known.live_since and deploy.respects_way_back and deploy.before:
            deploy.number = deploy.before
            if known.release.number != deploy.before:
                holds = f"release {known.release.number} holds the code that is here: freehold deploy"
                text = f"release {deploy.before} was gone back to and stays live; {holds}"
                report(Event(name="note", text=text))
        else:
            deploy.number, deploy.is_new = known.release.number, not known.live_since

    def _draft(self) -> Release:
        deploy, now = self.deploy, datetime.now(UTC)
        newest = deploy.standings[-1].release.number if deploy.standings else 0
        secrets = deploy.target.secret_versions()
        return Release(
            id=f"{now:%Y%m%d-%H%M}-{deploy.build.artifact_digest[:7]}",
            number=newest + 1,
            app=deploy.build.app.name,
            artifact=deploy.build.artifact_digest,
            parts={name: folder.name for name, folder in deploy.build.parts.items()},
            config=snapshot.take(deploy.build, secrets),
            secrets=secrets,
            schema_revision=deploy.schema_revision,
            schema_position=deploy.schema_position,
            runtime=freehold.__version__,
            source=git.describe(deploy.build.app.root) | {"origin": git.redact(deploy.build.app.origin)},
            parent=deploy.before,
            created_at=now.isoformat(timespec="seconds"),
            created_by=deploy.who,
            message=deploy.message,
        )

    def undo(self) -> bool:
        """Nothing: a release that failed stays to be looked at, and is pruned later."""
        return False


def accepted_entities(deploy: Deploy) -> frozenset[str]:
    """Those of the names to accept that are entities, and no migrations."""
    return entities.named(deploy.accept, (item.name for item in deploy.build.inventory.records))


def has_entities(build: Build) -> bool:
    """Whether the app keeps records that no migration creates and a schema describes, or should."""
    return any(item.kind == "entity" for item in build.inventory.records)
