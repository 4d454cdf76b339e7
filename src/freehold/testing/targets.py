"""What every target has to do, ours or not: subclass `TargetContract`, give it a `target`, and run pytest.

    class TestMine(TargetContract):
        @pytest.fixture
        def target(self, ...): ...           # empty: no release, no lock, no trail
        def make_sick(self, target, release): ...  # how a release gets that cannot be healthy

`make_parts` may be replaced as well, for a target whose releases are made of other folders.

Each test is a sentence of core/target.Target.
"""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from freehold.core import trail
from freehold.core.errors import LockHeld, LockLost, ReleaseSick, ReleaseUnknown
from freehold.core.release import COLD, LIVE, STAGED, WARM, Lease, Manifest, Needs, Release
from freehold.core.secret import Secret
from freehold.core.trail import Act
from freehold.releases import artifact

HOSTILE = (
    "a" * 3000,
    "ünï \u202e cödé",
    "../../etc/passwd",
    "a'b\"c`d",
    "$(reboot); rm -rf /",
    "line\nfeed",
    "\x00nul",
)


class TargetContract:
    """One suite for every target."""

    def make_parts(self, tmp_path: Path, text: str = "hello") -> dict[str, Path]:
        """Make the folders of a release, each named by its digest; the text makes them differ. A site of a page."""
        folder = tmp_path / "parcel" / "site"
        folder.mkdir(parents=True)
        (folder / "index.html").write_text(text)
        return {"site": artifact.store(tmp_path / "parcel", tmp_path / "artifacts").directory}

    def make_sick(self, target: Any, release: Release) -> Release:
        """Give the release that shall be added instead, so that it never gets healthy."""
        raise NotImplementedError

    @pytest.fixture
    def lease(self, target: Any) -> Lease:
        """The lock, held by this test."""
        taken: Lease = target.take_lock("anna@laptop", "test", process="1:1", seconds=600)
        return taken

    def release(self, target: Any, lease: Lease, number: int, tmp_path: Path, text: str = "hello") -> Release:
        """Push and add a release."""
        parts = self.make_parts(tmp_path, text)
        target.push(lease, parts, lambda _event: None)
        made = Release(
            id=f"20260101-0000-{number:07}",
            number=number,
            app="app",
            artifact=f"{number:064}",
            parts={name: folder.name for name, folder in parts.items()},
            config={"site_directory": {"$part": "site", "path": "site"}, "functions": []},
            secrets={},
            schema_revision="r",
            runtime=self.runtime,
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        target.add(lease, made, Manifest(code={"index.html": text}))
        return made

    runtime = "0"
    """The runtime that releases of the suite want."""

    def serve(self, target: Any, lease: Lease, number: int) -> None:
        """Start a release and give it the traffic."""
        checks = target.healthy(lease, number)
        assert all(check.ok for check in checks), checks
        target.switch(lease, number)

    def states(self, target: Any) -> dict[int, str]:
        """Numbers and states of all releases."""
        return {item.release.number: item.state for item in target.releases()}

    def test_it_fits_what_it_can_carry(self, target: Any) -> None:
        """A release without wishes fits; one that needs more disk than there is does not."""
        assert target.check(Needs(runtime=self.runtime)).problems == ()

    def test_a_release_goes_from_staged_to_live_to_warm(self, target: Any, lease: Lease, tmp_path: Path) -> None:
        """Exactly one release is live, and the one before stays warm."""
        self.release(target, lease, 1, tmp_path)
        assert self.states(target) == {1: STAGED}
        self.serve(target, lease, 1)
        assert self.states(target) == {1: LIVE}
        self.release(target, lease, 2, tmp_path, "other")
        self.serve(target, lease, 2)
        assert self.states(target) in ({1: WARM, 2: LIVE}, {1: COLD, 2: LIVE})
        self.serve(target, lease, 1)
        assert self.states(target)[1] == LIVE
        assert [bool(item.live_since) for item in target.releases()] == [True, True]

    def test_everything_may_be_done_twice(self, target: Any, lease: Lease, tmp_path: Path) -> None:
        """A command that was killed after a step runs it again."""
        made = self.release(target, lease, 1, tmp_path)
        self.release(target, lease, 2, tmp_path, "other")
        target.push(lease, self.make_parts(tmp_path), lambda _event: None)
        target.add(lease, made, Manifest(code={"index.html": "hello"}))
        for _ in range(2):
            self.serve(target, lease, 1)
            target.mark(lease, 2, bad="sick")
            target.pin(lease, 1, pinned=True)
        assert [item.bad for item in target.releases()] == ["", "sick"]
        assert [item.pinned for item in target.releases()] == [True, False]
        for _ in range(2):
            target.remove(lease, 2)
        assert self.states(target) == {1: LIVE}

    def test_a_record_is_written_once(self, target: Any, lease: Lease, tmp_path: Path) -> None:
        """Another release under the same number is refused, and the first one stays."""
        made = self.release(target, lease, 1, tmp_path)
        with pytest.raises(ReleaseUnknown):
            target.add(lease, dataclasses.replace(made, message="another"), Manifest())
        assert target.releases()[0].release == made
        assert target.manifest(1).code == {"index.html": "hello"}

    def test_a_release_without_its_parts_is_refused(self, target: Any, lease: Lease, tmp_path: Path) -> None:
        """A record never names what is not there."""
        made = self.release(target, lease, 1, tmp_path)
        broken = dataclasses.replace(made, number=2, parts=dict.fromkeys(made.parts, "f" * 64))
        with pytest.raises(ReleaseUnknown):
            target.add(lease, broken, Manifest())
        assert self.states(target) == {1: STAGED}

    def test_what_is_not_there_is_unknown(self, target: Any, lease: Lease) -> None:
        """Numbers of no release are refused by name."""
        acts: tuple[Callable[[], object], ...] = (
            lambda: target.manifest(7),
            lambda: target.healthy(lease, 7),
            lambda: target.switch(lease, 7),
            lambda: target.mark(lease, 7, bad="x"),
            lambda: target.pin(lease, 7, pinned=True),
        )
        for act in acts:
            with pytest.raises(ReleaseUnknown):
                act()

    def test_a_sick_release_never_gets_traffic(self, target: Any, lease: Lease, tmp_path: Path) -> None:
        """It is seen to be sick, and the live one goes on."""
        self.release(target, lease, 1, tmp_path)
        self.serve(target, lease, 1)
        made = self.release(target, lease, 2, tmp_path, "other")
        sick = self.make_sick(target, dataclasses.replace(made, number=3))
        target.add(lease, sick, Manifest())
        checks = target.healthy(lease, 3)
        assert not all(check.ok for check in checks)
        assert any(check.detail for check in checks if not check.ok)
        with pytest.raises(ReleaseSick):
            target.switch(lease, 3)
        assert self.states(target)[1] == LIVE
        assert self.states(target)[3] == STAGED

    def test_the_live_release_cannot_be_removed(self, target: Any, lease: Lease, tmp_path: Path) -> None:
        """Nor the parts that it shares with one that is."""
        self.release(target, lease, 1, tmp_path)
        self.serve(target, lease, 1)
        self.release(target, lease, 2, tmp_path)
        with pytest.raises(ReleaseUnknown):
            target.remove(lease, 1)
        target.remove(lease, 2)
        self.serve(target, lease, 1)

    def test_one_holds_the_lock_and_is_named(self, target: Any, lease: Lease) -> None:
        """Whoever comes second is told who, what and until when."""
        with pytest.raises(LockHeld) as caught:
            target.take_lock("bert@desk", "deploy", process="2:2", seconds=600)
        assert "anna@laptop" in caught.value.message
        assert target.lock().holder == "anna@laptop"
        again = target.take_lock("anna@laptop", "test", process="1:1", seconds=1)
        assert again.token == lease.token
        target.renew_lock(lease)
        assert target.lock().until > again.until
        target.drop_lock(lease)
        assert target.lock() is None
        target.take_lock("bert@desk", "deploy", process="2:2", seconds=600)

    def test_a_broken_lock_stops_its_holder(self, target: Any, lease: Lease, tmp_path: Path) -> None:
        """Whatever it still tries is refused before anything changes."""
        made = self.release(target, lease, 1, tmp_path)
        self.serve(target, lease, 1)
        target.break_lock(lease.token)
        target.take_lock("bert@desk", "deploy", process="2:2", seconds=600)
        acts: tuple[Callable[[], object], ...] = (
            lambda: target.renew_lock(lease),
            lambda: target.push(lease, {}, lambda _event: None),
            lambda: target.add(lease, dataclasses.replace(made, number=2), Manifest()),
            lambda: target.healthy(lease, 1),
            lambda: target.switch(lease, 1),
            lambda: target.mark(lease, 1, bad="x"),
            lambda: target.pin(lease, 1, pinned=True),
        )
        for act in acts:
            with pytest.raises(LockLost):
                act()
        target.drop_lock(lease)
        assert target.lock().holder == "bert@desk"
        assert self.states(target) == {1: LIVE}

    def test_the_trail_is_a_chain_in_the_order_of_acts(self, target: Any) -> None:
        """Written by the target, with its own clock."""
        for number in range(3):
            target.record(
                Act(who="anna@laptop", what="deploy", release=number, result="done", plan=("Build", "Switch"))
            )
        lines = target.trail()
        assert trail.fault(lines) == ""
        assert [trail.read(line).act.release for line in lines] == [0, 1, 2]
        assert all(datetime.fromisoformat(trail.read(line).at).tzinfo for line in lines)

    @pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
    def test_hostile_texts_are_only_texts(self, target: Any, lease: Lease, tmp_path: Path, text: str) -> None:
        """Messages, names and reasons are stored as they are, and never a path, a command or a line of their own."""
        made = self.release(target, lease, 1, tmp_path)
        hostile = dataclasses.replace(made, number=2, message=text, app=text, source={"branch": text})
        target.add(lease, hostile, Manifest(code={text: "1"}))
        target.mark(lease, 2, bad=text)
        target.record(Act(who=text, what="deploy", result="done", values={"branch": text}))
        standing = target.releases()[1]
        assert (standing.release.message, standing.bad) == (text, text)
        assert target.manifest(2).code == {text: "1"}
        assert trail.fault(target.trail()) == ""
        assert trail.read(target.trail()[-1]).act.who == text

    def test_secrets_have_versions_and_never_come_back(self, target: Any) -> None:
        """A new value is a new version; nothing that can be read holds a value."""
        first = target.put_secret("STRIPE_KEY", Secret("canary-one"))
        second = target.put_secret("STRIPE_KEY", Secret("canary-two"))
        assert first != second
        assert target.secret_versions() == {"STRIPE_KEY": second}
        shown = json.dumps([target.trail(), [dataclasses.asdict(item) for item in target.releases()]])
        assert "canary" not in shown

    def test_traffic_of_what_does_not_run_is_nothing(self, target: Any, lease: Lease, tmp_path: Path) -> None:
        """Watching a release that ended is no error."""
        self.release(target, lease, 1, tmp_path)
        assert (target.traffic(1).requests, target.traffic(1).failed) == (0, 0)
        assert (target.traffic(9).requests, target.traffic(9).failed) == (0, 0)
