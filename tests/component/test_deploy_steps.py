"""Every step of a deploy and of a way back: killed once and run again, it comes to the same end."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import tiny_app

from freehold.cli import deploy as command
from freehold.cli.deploy import NO_MAIL
from freehold.core import trail
from freehold.core.app import App
from freehold.core.errors import LockHeld, NotAccepted, ReleaseSick, ReleaseUnknown, TargetUnfit, WindowClosed
from freehold.core.event import Event
from freehold.core.plan import Plan, Step
from freehold.core.release import Check, Problem, Traffic
from freehold.core.secret import Secret
from freehold.core.target_name import LOCAL
from freehold.engine.apply import apply
from freehold.flows import deploy, holding, marks, rollback, way_back
from freehold.flows.deploy_work import Deploy
from freehold.flows.read import read_served_app
from freehold.flows.up_work import Build
from freehold.flows.way_back import Wish
from freehold.releases import artifact
from freehold.targets.local.place import Place
from freehold.targets.memory import MemoryTarget
from freehold.testing.database import FreshDatabase

MORE = "alter table public.notes add column more text;\n"
DROP = "alter table public.notes drop column text;\n"
STEPS = ("CheckPlace", "PushParts", "ApplyMigrations", "AddRelease", "StartBeside", "SwitchTraffic", "WatchTraffic")


class World:
    """An app that changes, and a target with a real database."""

    def __init__(self, folder: Path, database: FreshDatabase) -> None:
        self.folder = folder
        self.database = database
        self.events: list[Event] = []
        (folder / "target").mkdir()
        dsns = Secret(database.superuser_dsn), Secret(database.owner_dsn)
        self.target = MemoryTarget(folder=folder / "target", dsns=dsns)

    def build(self, text: str, *migrations: str) -> Build:
        """What a build would have made of the app with this page and these further migrations."""
        names = [f"supabase/migrations/2026010{n}000000_more.sql" for n in range(2, 2 + len(migrations))]
        tiny_app.write(self.folder / "app", **dict(zip(names, migrations, strict=True)), **{"index.html": text})
        parcel = self.folder / "parcel"
        (parcel / "site").mkdir(parents=True)
        (parcel / "site/index.html").write_text(text)
        stored = artifact.store(parcel, self.folder / "artifacts")
        app = App(root=self.folder / "app", origin=str(self.folder / "app"), name="tiny")
        return Build(
            place=Place(self.folder / "place"),
            app=app,
            inventory=read_served_app(app),
            site_artifact=stored.directory,
            artifact_digest=stored.digest,
        )

    def deploy(self, text: str, *migrations: str, accept: str = "", watch: float = 0.0, kill: str = "") -> Deploy:
        """Deploy what was built, as flows/deploy.py does after the build; dies in the step `kill`."""
        build = self.build(text, *migrations)
        request = deploy.Request(
            origin="", place=build.place, accept=frozenset({accept} - {""}), watch_seconds=watch, keep=3
        )
        with holding.held(self.target, "deploy") as (lease, note):
            work = deploy.work_of(request, self.target, lease, build)
            plan = deploy.plan(work)
            steps = tuple(Dying(step) if type(step).__name__ == kill else step for step in plan.steps)
            try:
                apply(dataclasses.replace(plan, steps=steps), self.events.append)
            finally:
                note.about(work.number)
        return work

    def back(self, number: int | None = None) -> None:
        rollback.rollback(self.target, Wish(number=number), self.events.append)

    def columns(self) -> list[str]:
        with psycopg.connect(self.database.superuser_dsn) as connection:
            rows = connection.execute("select column_name from information_schema.columns where table_name = 'notes'")
            return sorted(str(row[0]) for row in rows)

    def state(self) -> object:
        """Everything that has to be the same in the end, however it was come to."""
        standings = [(item.release.number, item.state, item.bad) for item in self.target.releases()]
        parts = sorted(path.name for path in (self.folder / "target/parts").iterdir())
        return self.target.live, standings, parts, self.columns(), self.target.lock()


class Killed(BaseException):
    """What kill -9 would do, but for undoing."""


class Dying:
    """Runs a step, and dies at its end: everything is done and nobody knows."""

    def __init__(self, step: Step) -> None:
        self._step = step

    @property
    def title(self) -> str:
        return self._step.title

    def done(self) -> bool:
        return False

    def run(self, report: object) -> None:
        self._step.run(report)  # type: ignore[arg-type]
        raise Killed

    def undo(self) -> bool:
        return False


class Failing(MemoryTarget):
    """Release 2 fails more and more, each time that somebody looks."""

    looks = 0

    def traffic(self, number: int) -> Traffic:
        if number != 2:
            return Traffic(requests=1000, failed=2)
        self.looks += 1
        return Traffic(requests=10 * self.looks, failed=3 * (self.looks - 1))


@pytest.fixture
def world(tmp_path: Path, database: FreshDatabase) -> World:
    return World(tmp_path, database)


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_was_killed_is_run_again_to_the_same_end(
    step: str, tmp_path: Path, database: FreshDatabase
) -> None:
    world = World(tmp_path, database)
    world.deploy("one")
    with pytest.raises(Killed):
        world.deploy("two", MORE, kill=step, watch=0.3)
    assert world.target.live in {1, 2}
    assert world.target.live in world.target.runs
    world.deploy("two", MORE)
    live, standings, parts, columns, lock = world.state()  # type: ignore[misc]
    assert (live, standings) == (2, [(1, "warm", ""), (2, "live", "")])
    assert (len(parts), columns, lock) == (2, ["id", "more", "text"], None)
    assert trail.fault(world.target.trail()) == ""


@pytest.mark.parametrize("step", ["CheckWindow", "StartBeside", "SwitchTraffic"])
def test_a_way_back_that_was_killed_is_run_again_to_the_same_end(step: str, world: World) -> None:
    world.deploy("one")
    world.deploy("two")
    standings = world.target.releases()

    def die() -> None:
        with holding.held(world.target, "rollback") as (lease, _):
            chosen = way_back.choose(world.target, standings, 1)
            move = way_back.move_to(world.target, lease, standings, chosen, watch_seconds=0)
            plan = way_back.plan(move, standings[0].release, rollback.window_of(world.target))
            steps = tuple(Dying(item) if type(item).__name__ == step else item for item in plan.steps)
            apply(Plan(purpose="", steps=steps), world.events.append)

    with pytest.raises(Killed):
        die()
    world.back(1)
    assert [(item.release.number, item.state) for item in world.target.releases()] == [(1, "live"), (2, "warm")]


def test_the_same_again_changes_nothing(world: World) -> None:
    world.deploy("one")
    before = world.state()
    work = world.deploy("one")
    assert not work.moves
    assert world.state() == before
    assert world.target.switches == [1]


def test_a_sick_release_never_gets_traffic_and_is_never_gone_back_to(world: World) -> None:
    world.deploy("one")
    world.target.sick[2] = Check(name="process", ok=False, detail="it ended while it started")
    with pytest.raises(ReleaseSick) as caught:
        world.deploy("two")
    assert "release 1 goes on serving" in caught.value.message
    assert "it ended while it started" in caught.value.detail
    assert world.target.switches == [1]
    world.deploy("three")
    world.back()
    assert world.target.live == 1
    assert world.target.releases()[1].bad


def test_a_release_that_gets_sick_after_the_switch_loses_the_traffic_again(world: World) -> None:
    world.deploy("one")
    world.target = Failing(**{item.name: getattr(world.target, item.name) for item in dataclasses.fields(MemoryTarget)})
    with pytest.raises(ReleaseSick) as caught:
        world.deploy("two", watch=60)
    assert "6 of 20 answers were errors" in caught.value.message
    assert caught.value.hint == "freehold logs --to memory"
    assert world.target.switches == [1, 2, 1]
    assert world.target.releases()[1].bad
    last = trail.read(world.target.trail()[-1]).act
    assert (last.what, last.result) == ("deploy", "failed")


def test_a_place_that_does_not_fit_is_refused_before_anything_changes(world: World) -> None:
    world.deploy("one")
    before = world.state()
    world.target.problems = (Problem(message="the disk is too full", hint="make room"),)
    with pytest.raises(TargetUnfit, match="the disk is too full"):
        world.deploy("two", MORE)
    assert world.state() == before


def test_the_way_back_over_an_added_column_keeps_what_was_written_since(world: World) -> None:
    world.deploy("one")
    world.deploy("two", MORE)
    with psycopg.connect(world.database.superuser_dsn, autocommit=True) as connection:
        connection.execute("insert into public.notes (text, more) values ('a', 'b')")
        world.back()
        assert world.target.live == 1
        assert connection.execute("select text, more from public.notes").fetchall() == [("a", "b")]


def test_the_way_back_over_a_dropped_column_is_refused_and_names_both(world: World) -> None:
    world.deploy("one")
    with pytest.raises(NotAccepted):
        world.deploy("two", DROP)
    assert world.columns() == ["id", "text"]
    world.deploy("two", DROP, accept="20260102000000_more")
    with pytest.raises(WindowClosed) as caught:
        world.back()
    assert "public.notes.text" in caught.value.message
    assert "supabase/migrations/20260102000000_more.sql" in caught.value.message
    assert "freehold deploy --to memory" in caught.value.hint
    assert world.target.live == 2
    accepted = [trail.read(line).act for line in world.target.trail()]
    assert accepted[-1].result == "failed"
    world.deploy("three", DROP)
    world.back()
    assert world.target.live == 2


def test_a_database_that_was_put_back_has_no_way_to_a_newer_release(world: World) -> None:
    world.deploy("one")
    world.deploy("two", MORE)
    world.deploy("three", MORE)
    with psycopg.connect(world.database.superuser_dsn, autocommit=True) as connection:
        connection.execute("delete from freehold.migration_files where path like '%more%'")
    with pytest.raises(WindowClosed, match="needs a newer schema"):
        world.back(2)


def test_secret_versions_come_back_with_the_release(world: World) -> None:
    world.target.put_secret("STRIPE_KEY", Secret("one"))
    world.deploy("one")
    world.target.put_secret("STRIPE_KEY", Secret("two"))
    world.deploy("one")
    assert [item.release.secrets for item in world.target.releases()] == [{"STRIPE_KEY": "1"}, {"STRIPE_KEY": "2"}]
    plan = rollback.preview(world.target, None)
    assert plan.restores is not None
    assert plan.restores.sections["secrets"].changed == {"STRIPE_KEY": ("2", "1")}
    world.back()
    assert world.target.live == 1


def test_pruning_keeps_three_and_what_is_pinned_or_warm(world: World) -> None:
    world.deploy("one")
    marks.change(world.target, marks.Change(pin=1))
    for text in ("two", "three", "four", "five", "six"):
        world.target.runs.discard(world.target.live)
        world.deploy(text)
    assert [item.release.number for item in world.target.releases()] == [1, 4, 5, 6]
    assert len(list((world.folder / "target/parts").iterdir())) == 4


def test_two_deploys_at_once_take_turns(world: World) -> None:
    world.deploy("one")
    other = world.target.take_lock("bert@desk", "deploy", process="1:1", seconds=600)
    with pytest.raises(LockHeld) as caught:
        world.deploy("two")
    assert "bert@desk" in caught.value.message
    assert world.target.live == 1
    world.target.drop_lock(other)
    world.deploy("two")
    assert world.target.live == 2


def test_what_a_killed_command_of_this_machine_held_is_taken_over(world: World) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    world.target.take_lock(holding.me(), "deploy", process=f"{ended.stdout.decode().strip()}:1", seconds=600)
    world.deploy("one")
    assert world.target.live == 1


def test_a_bad_or_unknown_release_is_not_gone_back_to(world: World) -> None:
    world.deploy("one")
    with pytest.raises(ReleaseUnknown, match="no good release before"):
        world.back()
    world.deploy("two")
    marks.change(world.target, marks.Change(bad=1, why="leaks"))
    for number in (1, 7):
        with pytest.raises(ReleaseUnknown):
            world.back(number)
    marks.change(world.target, marks.Change(good=1))
    world.back(1)
    assert world.target.live == 1


def test_a_plan_of_a_deploy_changes_nothing(world: World, tmp_path: Path) -> None:
    world.deploy("one")
    before = world.state()
    world.build("two", DROP)
    request = deploy.Request(origin=str(tmp_path / "app"), place=Place(tmp_path / "place"))
    found = deploy.preview(request, world.target, world.events.append)
    assert found["migrations"] == [
        {
            "path": "supabase/migrations/20260102000000_more.sql",
            "closes": ["line 1: public.notes.text: the column is dropped"],
            "accept": "20260102000000_more",
        }
    ]
    assert world.state() == before


def test_a_deploy_says_where_sign_up_waits_for_a_mail_that_nobody_sends(world: World, tmp_path: Path) -> None:
    world.deploy("one")
    request = deploy.Request(origin=str(tmp_path / "app"), place=Place(tmp_path / "place"))
    target = world.target
    for confirms, name in ((True, "production"), (False, "production"), (True, LOCAL)):
        config = f"[auth.email]\nenable_confirmations = {str(confirms).lower()}\n"
        tiny_app.write(tmp_path / "app", **{"supabase/config.toml": config})
        found = deploy.preview(request, dataclasses.replace(target, name=name), world.events.append)
        assert found["waits_for_mail"] is (confirms and name != LOCAL)
        assert (NO_MAIL in command._plan(found)) is (confirms and name != LOCAL)


def test_a_deploy_says_what_a_mail_server_still_wants(world: World, tmp_path: Path) -> None:
    config = "[auth.email]\nenable_confirmations = true\n"
    tiny_app.write(tmp_path / "app", **{"supabase/config.toml": config})
    request = deploy.Request(origin=str(tmp_path / "app"), place=Place(tmp_path / "place"))
    production = dataclasses.replace(world.target, name="production")
    production.put_secret("SMTP_HOST", Secret("mail.example.com"))
    found = deploy.preview(request, production, world.events.append)
    assert (found["waits_for_mail"], found["unset_mail"]) == (True, ["SMTP_ADMIN_EMAIL"])
    assert "unset: SMTP_ADMIN_EMAIL" in command._plan(found)
    production.put_secret("SMTP_ADMIN_EMAIL", Secret("shop@example.com"))
    found = deploy.preview(request, production, world.events.append)
    assert (found["waits_for_mail"], found["unset_mail"]) == (False, [])
