"""The live release again with the newest secrets: a release of its own, so that going back brings the old ones back."""

from dataclasses import replace
from datetime import UTC, datetime

from freehold.core.event import Event
from freehold.core.plan import Plan
from freehold.core.release import Release
from freehold.core.target import Target
from freehold.engine.apply import apply
from freehold.flows import holding, snapshot, traffic_steps
from freehold.flows.read import read_served_app
from freehold.flows.traffic_steps import Move
from freehold.flows.up_work import Build
from freehold.releases import history


def redeploy(build: Build, target: Target) -> int:
    """Make the release and serve it; gives its number. Raises FreeholdError with the traffic where it was."""
    with holding.held(target, holding.NEW_SECRETS) as (lease, note):
        standings = target.releases()
        current = history.live(standings)
        before = current.release.number if current is not None else 0
        newest = standings[-1].release
        base = current.release if current is not None else newest
        # A deploy from another terminal may have come with other settings than those that `up` read.
        today = Build(place=build.place, app=build.app, inventory=read_served_app(build.app))
        draft = _with_secrets(base, newest.number + 1, target.secret_versions(), today, lease.holder)
        target.add(lease, draft, target.manifest(base.number))
        move = Move(target=target, lease=lease, number=draft.number, before=before, is_new=True)
        note.about(draft.number, before=str(before))
        steps = (traffic_steps.StartBeside(move), traffic_steps.SwitchTraffic(move))
        apply(Plan(purpose="Serve with the new secrets", steps=steps), _silent)
        return draft.number


def _with_secrets(base: Release, number: int, versions: dict[str, str], build: Build, who: str) -> Release:
    now = datetime.now(UTC)
    return replace(
        base,
        id=f"{now:%Y%m%d-%H%M}-{base.artifact[:7]}",
        number=number,
        config=snapshot.renewed(base.config, build, versions),
        secrets=versions,
        parent=base.number,
        created_at=now.isoformat(timespec="seconds"),
        created_by=who,
        message="new secrets",
    )


def _silent(_event: Event) -> None:
    """Nobody waits for this."""
