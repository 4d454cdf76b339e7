"""A bare Debian machine becomes a server and serves releases: real systemd, sshd, Caddy and PostgreSQL, SSH only."""

import asyncio
import dataclasses
import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import machine_world
import pytest
import python_world
import server_app
from machine_world import Server
from server_load import Load

from freehold import platform
from freehold.core.errors import LockHeld, LockLost, ReleaseSick, ReleaseUnknown, TargetUnfit, TargetUnreachable
from freehold.core.event import Event
from freehold.core.plan import Step
from freehold.core.release import Lease, Manifest, Needs, Release
from freehold.core.secret import Secret
from freehold.core.trail import Act, fault
from freehold.engine.journal import Journal
from freehold.flows import rollback, server_add
from freehold.flows.arrival import Arrival
from freehold.flows.way_back import Wish
from freehold.kit import files, postgres, row_digest, ssh
from freehold.releases.artifact import digest_of
from freehold.targets.server import upload
from freehold.targets.server.agent import Agent
from freehold.targets.server.target import ServerTarget
from freehold.targets.server.wheels import gather
from freehold.testing.targets import TargetContract

CANARY = "canary-7c1f0e2b9d"
WATCH_SECONDS = 3.0
"""What goes on when the line is cut is not over before it is, however long this machine takes to notice."""


@dataclass
class World:
    server: Server
    folder: Path
    number: int = 0

    @property
    def request(self) -> server_add.Request:
        return server_add.Request(address=f"root@{self.server.address}", app="shop", cache=machine_world.cache())

    def add(self) -> list[str]:
        """Run `server add`; gives the titles of the steps that had something to do."""
        done: list[str] = []

        def report(event: Event) -> None:
            if event.name == "step-started":
                done.append(event.text)

        with server_add.offered(self.request, lambda _: None) as offer:
            server_add.add(offer, report, Journal(self.folder / "journal.jsonl"))
        return done

    def release(self, text: str, config: dict[str, object] | None = None) -> tuple[Release, dict[str, Path]]:
        """A release of one page and one hashed script."""
        self.number += 1
        work = self.folder / f"site{self.number}"
        (work / "assets").mkdir(parents=True)
        (work / "index.html").write_text(f"<h1>{text}</h1>https://freehold-origin.invalid")
        (work / f"assets/app-{self.number}.js").write_text(f"say({self.number})")
        digest = digest_of(work)
        site = work.rename(self.folder / digest)
        release = Release(
            id=f"20270101-0000-{digest[:7]}",
            number=self.number,
            app="shop",
            artifact=digest,
            parts={"site": digest},
            config={"site_directory": {"$part": "site", "path": ""}, **(config or {})},
            secrets={},
            schema_revision="0",
            runtime="0.1.0",
            created_at="2027-01-01T00:00:00Z",
        )
        return release, {"site": site}

    def page(self, path: str = "/") -> str:
        try:
            with urllib.request.urlopen(f"http://{self.server.address}{path}", timeout=20) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.code)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("server")
    patch = pytest.MonkeyPatch()
    patch.setenv("FREEHOLD_AGE_IDENTITY", str(folder / "age.txt"))
    with machine_world.bare_server() as server:
        patch.setenv(ssh.CONFIG_VARIABLE, str(server.ssh_config))
        yield World(server, folder)
    patch.undo()


@pytest.fixture
def target(world: World) -> Iterator[ServerTarget]:
    with ssh.connect(ssh.parse(f"root@{world.server.address}")) as connection:
        yield ServerTarget(name="production", app="shop", agent=Agent(connection), cache=machine_world.cache())


@pytest.fixture
def lease(target: ServerTarget) -> Iterator[Lease]:
    held = target.take_lock("anna@laptop", "test", process="1", seconds=600)
    yield held
    target.drop_lock(held)


def live(target: ServerTarget) -> int:
    return next((item.release.number for item in target.releases() if item.state == "live"), 0)


def bring(target: ServerTarget, lease: Lease, release: Release, parts: dict[str, Path]) -> None:
    target.push(lease, parts, lambda _: None)
    target.add(lease, release, Manifest())


def until_free(target: ServerTarget) -> None:
    """Wait until whoever works there gives the lock back."""
    deadline = time.monotonic() + 120
    while target.lock() is not None:
        assert time.monotonic() < deadline, target.lock()
        time.sleep(0.1)


def test_a_bare_machine_becomes_a_server_though_every_step_is_cut_off_once(world: World) -> None:
    """Each step runs, the tool dies, and the next run carries on; at the end nothing is left to do."""
    with server_add.offered(world.request, lambda _: None) as offer:
        steps: tuple[Step, ...] = offer.plan.steps
        titles = [step.title for step in steps]
        steps[0].run(lambda _: None)
    for position in range(1, len(titles)):
        with server_add.offered(world.request, lambda _: None) as offer:
            assert [step.done() for step in offer.plan.steps[:position]] == [True] * position
            offer.plan.steps[position].run(lambda _: None)
    assert world.add() == []


def test_the_machine_shows_no_port_but_ssh_and_the_web_and_no_secret(world: World, target: ServerTarget) -> None:
    listening = world.server.run("ss -Hltn | awk '{print $4}'").stdout.split()
    open_to_all = {item.rpartition(":")[2] for item in listening if not item.startswith(("127.0.0.1:", "[::1]:"))}
    assert open_to_all <= {"22", "80", "443"}
    target.put_secret("STRIPE_KEY", Secret(CANARY))
    found = world.server.run(
        f"grep -rl {CANARY} /srv /var /etc /opt /run /usr/local 2>/dev/null; "
        f"ps axww -o args | grep {CANARY} | grep -v grep; journalctl --no-pager | grep -v COMMAND | grep -c {CANARY}",
        check=False,
    )
    assert found.stdout.split() == ["0"]
    modes = world.server.run("stat -c '%a %U %n' /var/lib/freehold/shop/*").stdout
    assert "600 root /var/lib/freehold/shop/keys.cred" in modes
    assert "700 root /var/lib/freehold/shop/secrets" in modes
    assert "700 fh-shop /var/lib/freehold/shop/data" in modes
    score = world.server.run("systemd-analyze security fh-shop@1.service --no-pager").stdout
    assert float(score.split("exposure level for fh-shop@1.service:")[1].split()[0]) <= 3.0


def test_what_does_not_fit_is_refused_before_anything_is_copied(target: ServerTarget) -> None:
    needs = Needs(runtime="0.1.0", postgres_major=99, extensions=("vector",), disk_bytes=1 << 60)
    said = [problem.message for problem in target.check(needs).problems]
    assert len(said) == 3
    assert target.check(Needs(runtime="0.1.0", extensions=("pgcrypto",))).problems == ()


def test_a_server_of_an_older_freehold_is_told_to_be_upgraded(world: World, target: ServerTarget) -> None:
    newest = "name = (select max(name) from freehold.platform_revisions)"
    with target.database() as (admin, _), postgres.connect(admin) as connection:
        connection.execute(f"update freehold.platform_revisions set checksum = 'x' || checksum where {newest}")
    assert [item.hint for item in target.check(Needs(runtime="0.1.0")).problems] == [
        "freehold server upgrade --to production"
    ]
    with target.database() as (admin, _), postgres.connect(admin) as connection:
        connection.execute(f"update freehold.platform_revisions set checksum = substr(checksum, 2) where {newest}")
    assert target.check(Needs(runtime="0.1.0")).problems == ()
    assert world.add() == []


def test_releases_follow_each_other_and_the_old_assets_stay(world: World, target: ServerTarget, lease: Lease) -> None:
    for text in ("first", "second"):
        release, parts = world.release(text)
        bring(target, lease, release, parts)
        checks = target.healthy(lease, release.number)
        assert [(check.name, check.ok) for check in checks] == [
            (name, True) for name in ("process", "database", "api", "site")
        ]
        target.switch(lease, release.number)
        assert world.page() == f"<h1>{text}</h1>http://{world.server.address}"
    assert world.page("/assets/app-1.js") == "say(1)"
    assert world.page("/assets/app-9.js") == "404"
    assert [item.state for item in target.releases()] == ["warm", "live"]
    assert target.traffic(2).requests > 0


def test_the_proxy_sends_on_what_is_plain_however_often_it_starts(world: World) -> None:
    """Caddy asks the matchers of one set in an order of chance, made at its start."""
    for _ in range(6):
        world.server.run("systemctl reset-failed caddy; systemctl restart caddy")
        assert world.page().startswith("<h1>second</h1>")


def test_pushing_again_sends_nothing(world: World, target: ServerTarget, lease: Lease) -> None:
    release = next(item.release for item in target.releases() if item.state == "live")
    notes: list[str] = []
    target.push(lease, {"site": world.folder / release.parts["site"]}, lambda event: notes.append(event.text))
    assert notes == []


def test_a_release_that_ends_never_gets_traffic(world: World, target: ServerTarget, lease: Lease) -> None:
    release, parts = world.release("broken", {"no_such_setting": 1})
    bring(target, lease, release, parts)
    checks = target.healthy(lease, release.number)
    assert [(check.name, check.ok) for check in checks] == [("process", False)]
    assert "no_such_setting" in checks[0].detail
    with pytest.raises(ReleaseSick):
        target.switch(lease, release.number)
    assert world.page().startswith("<h1>second</h1>")
    target.mark(lease, release.number, bad="it ended")
    assert target.releases()[-1].bad == "it ended"


def test_going_back_is_a_switch_warm_or_cold(world: World, target: ServerTarget, lease: Lease) -> None:
    target.switch(lease, 1)
    assert world.page().startswith("<h1>first</h1>")
    world.server.run("systemctl stop fh-shop@2")
    assert all(check.ok for check in target.healthy(lease, 2))
    target.switch(lease, 2)
    assert world.page().startswith("<h1>second</h1>")


def test_a_release_that_is_looked_at_to_go_back_to_it_is_not_stopped_for_its_age(
    world: World, target: ServerTarget, lease: Lease
) -> None:
    """What stops warm releases runs each minute: it may be between the look and the switch."""
    release, parts = world.release("newest")
    bring(target, lease, release, parts)
    go(target, lease, release.number)
    world.server.run('echo "{\\"1\\": 1, \\"2\\": $(date +%s)}" > /run/freehold/shop/left.json')
    assert all(check.ok for check in target.healthy(lease, 1))
    world.server.run("systemctl start freehold-keep.service")
    target.switch(lease, 1)
    assert world.page().startswith("<h1>first</h1>")
    go(target, lease, 2)
    target.remove(lease, release.number)


def test_a_cut_upload_goes_on_where_it_stopped(world: World, target: ServerTarget, lease: Lease) -> None:
    content = world.folder / "large"
    content.mkdir()
    (content / "video.bin").write_bytes(os.urandom(3_000_000))
    digest = digest_of(content)
    part = content.rename(world.folder / digest)

    (entry,) = upload.entries(part)
    target.agent.ask("missing", blobs=[[entry.digest, 3_000_000]])
    order = {"verb": "receive", "values": {"blobs": [[entry.digest, 0, 3_000_000]]}}
    sent = json.dumps(order).encode() + b"\n" + entry.path.read_bytes()[:1_000_000]
    command = f"python3 -I -S /usr/local/lib/freehold/{target.agent.digest}"
    assert target.agent.connection.run(command, stdin=(sent,)).out == b'{"result": 0}\n'
    notes: list[str] = []
    target.push(lease, {"site": part}, lambda event: notes.append(event.text) if event.name == "note" else None)
    assert notes == ["1 of 1 files travel, 2.0 MB"], "only the rest travels"


def test_what_somebody_else_brings_just_now_is_not_taken_for_unused(
    world: World, target: ServerTarget, lease: Lease
) -> None:
    """Another app's files lie there, and nothing links to them yet, while a release of this one is removed."""

    def remove_one() -> str:
        release, parts = world.release(f"not for long {world.number}")
        bring(target, lease, release, parts)
        target.remove(lease, release.number)
        return files.sha256(parts["site"] / "index.html")

    def is_there(digest: str) -> bool:
        return world.server.run(f"test -e /srv/freehold/blobs/{digest}", check=False).returncode == 0

    assert not is_there(remove_one())
    content = os.urandom(1000)
    digest = hashlib.sha256(content).hexdigest()
    with ssh.connect(ssh.parse(f"root@{world.server.address}")) as connection:
        other = Agent(connection)
        other.ask("missing", blobs=[[digest, len(content)]])
        assert other.ask("receive", (content,), blobs=[[digest, 0, len(content)]]) == 1
        remove_one()
        assert is_there(digest)


def test_a_full_disk_is_said_and_changes_nothing(target: ServerTarget) -> None:
    before = target.releases()
    with pytest.raises(TargetUnfit, match="too full"):
        target.agent.ask("missing", blobs=[["0" * 64, 1 << 50]])
    assert target.releases() == before


PYTHON_APP = """
import json, os, psycopg
def application(environ, start_response):
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        made = connection.execute("select current_user, (select count(*) from made)").fetchone()
    def closed(path):
        return not os.path.exists(path)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps([*made, all(map(closed, ("/proc", "/srv", "/run", "/var", "/etc/shadow")))]).encode()]
"""
MIGRATION = """
import os, psycopg
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    connection.execute("create table if not exists made (id int)")
"""


def test_an_apps_own_python_server_runs_confined_in_its_unit(world: World, target: ServerTarget, lease: Lease) -> None:
    before = live(target)
    release, parts = world.release("beside a server", {"server": {"$part": "server", "path": ""}})
    laid_out = python_world.lay_out(
        world.folder / "python", {"wsgi.py": PYTHON_APP, "migrate.py": MIGRATION}, *python_world.DRIVER
    )
    manifest = {"runtime": "python", "application": "wsgi:application", "reads": ["DATABASE_URL"]}
    manifest |= {"before": [["migrate.py"]], "paths": ["/api/"]}
    (laid_out / "server.json").write_text(json.dumps(manifest))
    digest = digest_of(laid_out)
    parts["server"] = laid_out.rename(world.folder / digest)
    release = dataclasses.replace(release, parts={**release.parts, "server": digest})
    with target.database() as (admin, _), postgres.connect(admin) as connection:
        platform.open_to_server(connection)
    bring(target, lease, release, parts)
    assert [check for check in target.healthy(lease, release.number) if not check.ok] == []
    target.switch(lease, release.number)
    assert json.loads(world.page("/api/any")) == ["freehold_server", 0, True]
    assert "beside a server" in world.page()
    unit = f"fh-shop@{release.number}.service"
    # Nothing of the unit's other walls falls with the exception, and others do not have it.
    shown = world.server.run(f"systemctl show {unit} -p NoNewPrivileges,ProtectSystem,PrivateUsers").stdout
    assert set(shown.split()) == {"NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateUsers=yes"}
    asked = "systemctl show fh-shop@999.service -p RestrictNamespaces --value"
    assert world.server.run(asked).stdout.strip() == "yes"
    assert target.passwords()["server_password"] not in world.server.run("ps -eo args").stdout
    if before == 0:
        return  # it is tried alone, and what is live cannot be removed
    target.switch(lease, before)
    target.remove(lease, release.number)
    assert f"{unit}.d" not in world.server.run("ls /etc/systemd/system").stdout


def test_only_one_at_a_time_and_the_trail_holds(target: ServerTarget, lease: Lease) -> None:
    with pytest.raises(LockHeld, match="anna@laptop"):
        target.take_lock("ben@desk", "deploy", process="2", seconds=60)
    other = Lease(token="0" * 32, holder="ben@desk", purpose="", since="", until="")
    with pytest.raises(LockLost):
        target.switch(other, 1)
    for what in ("deploy", "rollback"):
        target.record(Act(who="anna@laptop", what=what, result="done"))
    assert fault(target.trail()) == ""
    assert [json.loads(line)["what"] for line in target.trail()] == ["deploy", "rollback"]
    with pytest.raises(ReleaseUnknown):
        target.remove(lease, live(target))


def test_a_way_back_goes_on_when_the_connection_is_cut(world: World, target: ServerTarget) -> None:
    with ssh.connect(ssh.parse(f"root@{world.server.address}")) as connection:
        cut = ServerTarget(name="production", app="shop", agent=Agent(connection), cache=machine_world.cache())

        def hang_up(event: Event) -> None:
            if event.name == "step-started":
                connection.close()

        with pytest.raises(TargetUnreachable):
            rollback.rollback(cut, Wish(number=1, watch_seconds=WATCH_SECONDS), hang_up)
    until_free(target)
    assert live(target) == 1
    assert json.loads(target.trail()[-1])["result"] == "done"
    assert world.page().startswith("<h1>first</h1>")
    rollback.rollback(target, Wish(number=2), lambda _: None)
    assert live(target) == 2


def test_a_deploy_goes_on_when_the_connection_is_cut_after_the_upload(world: World, target: ServerTarget) -> None:
    lease = target.take_lock("anna@laptop", "deploy", process="1", seconds=600)
    release, parts = world.release("arrives")
    bring(target, lease, release, parts)
    number, before = release.number, live(target)
    watch = {"before": before, "watch_seconds": WATCH_SECONDS}
    arrival = Arrival(number=number, **watch, unset_secrets=(), is_new=True, keep=20)
    act = Act(who="anna@laptop", what="deploy", release=number, plan=("one", "two"), result="done", values={"x": "y"})
    order = {"arrival": dataclasses.asdict(arrival), "lease": dataclasses.asdict(lease), "act": dataclasses.asdict(act)}
    with ssh.connect(ssh.parse(f"root@{world.server.address}")) as connection:
        cut = ServerTarget(name="production", app="shop", agent=Agent(connection), cache=machine_world.cache())
        with pytest.raises(TargetUnreachable):
            cut.act("arrive", order, lambda event: connection.close() if event.name == "step-started" else None)
    until_free(target)
    assert live(target) == number
    assert world.page().startswith("<h1>arrives</h1>")
    line = json.loads(target.trail()[-1])
    assert (line["what"], line["release"], line["result"], line["values"]) == ("deploy", number, "done", {"x": "y"})
    rollback.rollback(target, Wish(number=before), lambda _: None)
    lease = target.take_lock("anna@laptop", "test", process="1", seconds=600)
    target.remove(lease, number)
    target.drop_lock(lease)


def test_the_database_is_reached_through_the_connection_only(target: ServerTarget) -> None:
    with target.database() as (admin, owner):
        with postgres.connect(admin) as connection:
            assert connection.execute("show wal_level").fetchone() == ("logical",)
            assert connection.execute("show listen_addresses").fetchone() == ("",)
        with postgres.connect(owner) as connection:
            row = connection.execute(
                "select current_user, rolsuper from pg_roles where rolname = current_user"
            ).fetchone()
            assert row == ("postgres", False)


def test_rows_are_hashed_there_as_they_are_here(target: ServerTarget) -> None:
    statement = "copy (select n, repeat('x', 3000000 / n) from generate_series(1, 300) n) to stdout"
    with (
        target.database() as (admin, _),
        postgres.connect(admin) as connection,
        connection.cursor().copy(statement.encode()) as copy,
    ):
        here = row_digest.of_pieces(map(bytes, copy))
    assert here[0] == 300
    assert target.digest_rows(statement) == here


ANNA = (
    "useradd -m anna && echo 'anna ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/anna"
    " && mkdir /home/anna/.ssh && cp /root/.ssh/authorized_keys /home/anna/.ssh/ && chown -R anna: /home/anna/.ssh"
)


def test_who_may_use_sudo_does_what_root_does(world: World, target: ServerTarget) -> None:
    """By a name that is typed, and by one that only the SSH client's configuration knows; nothing is started again."""
    world.server.run(ANNA)
    config = world.server.ssh_config
    config.write_text(f"Host box\n  HostName {world.server.address}\n  User anna\n{config.read_text()}")
    asked = "select pg_postmaster_start_time()"
    with target.database() as (admin, _), postgres.connect(admin) as connection:
        started = connection.execute(asked).fetchone()
    for address, number in ((f"anna@{world.server.address}", 1), ("box", 2)):
        with ssh.connect(ssh.parse(address)) as reached:
            other = ServerTarget(name="production", app="shop", agent=Agent(reached), cache=machine_world.cache())
            assert other.check(Needs(runtime="0.1.0", disk_bytes=0)).problems == ()
            with other.database() as (admin, _), postgres.connect(admin) as connection:
                assert connection.execute(asked).fetchone() == started
            rollback.rollback(other, Wish(number=number), lambda _: None)
            assert live(target) == number
            request = dataclasses.replace(world.request, address=address)
            with server_add.offered(request, lambda _: None) as offer:
                assert [step.title for step in offer.plan.steps if not step.done()] == []
    assert world.add() == []


def test_another_app_cannot_take_a_name_away(world: World) -> None:
    other = dataclasses.replace(world.request, app="typed")
    with (
        pytest.raises(TargetUnfit, match=f"{world.server.address} leads to the app shop") as caught,
        server_add.offered(other, lambda _: None),
    ):
        pass
    assert "--domain" in caught.value.hint
    assert world.server.run("ls /srv/freehold").stdout.split() == ["blobs", "hosts", "shop"]


def test_everything_comes_back_after_a_reboot(world: World) -> None:
    world.server.reboot()
    assert world.server.run("systemctl is-system-running --wait", check=False).stdout.strip() == "running"
    assert world.page().startswith("<h1>second</h1>")
    assert world.add() == []


def test_dumps_are_encrypted_for_the_owner(world: World) -> None:
    world.server.run("systemctl start freehold-backup.service")
    each = "head -c 21 $dump; stat -c ' %a' $dump"
    listing = world.server.run(f"cd /var/lib/freehold/shop/backups; for dump in *; do {each}; done").stdout
    assert set(listing.splitlines()) == {"age-encryption.org/v1 600"}


def test_what_is_removed_is_gone_and_its_assets_with_it(world: World, target: ServerTarget, lease: Lease) -> None:
    for number in (1, 3):
        target.remove(lease, number)
    assert [item.release.number for item in target.releases()] == [2]
    assert world.page("/assets/app-1.js") == "404"
    assert world.page("/assets/app-2.js") == "say(2)"
    assert world.server.run("ls /srv/freehold/shop/releases").stdout.split() == ["2"]


def test_another_host_key_is_refused(world: World) -> None:
    known = world.server.folder / "known_hosts"
    before = known.read_text()
    other = world.server.folder / "key.pub"
    known.write_text(f"{world.server.address} {' '.join(other.read_text().split()[:2])}\n")
    try:
        with ssh.connect(ssh.parse(f"root@{world.server.address}")) as connection:
            with pytest.raises(TargetUnreachable) as caught:
                connection.run("true")
            with pytest.raises(TargetUnreachable), connection.forwarded(Path("/nowhere.sock")):
                pass
        assert "host key" in caught.value.hint
    finally:
        known.write_text(before)


def test_who_is_not_let_in_is_told_what_to_type(world: World) -> None:
    address = f"stranger@{world.server.address}"
    with ssh.connect(ssh.parse(f"{address}:22")) as connection, pytest.raises(TargetUnreachable) as caught:
        connection.run("true")
    assert caught.value.hint == f"let your key in there first: ssh-copy-id -p 22 {address}"


def test_the_runtime_has_one_name() -> None:
    first, again = (gather("3.11", "x86_64", machine_world.cache()) for _ in range(2))
    assert first.id == again.id


async def test_nothing_is_dropped_while_releases_come_and_go(world: World, target: ServerTarget, lease: Lease) -> None:
    """Pages, rows, an event stream and one WebSocket from before the first switch until after the last."""
    server_app.make_table(target)
    load = Load(url=f"http://{world.server.address}", key=target.publishable_key)
    first = world.number + 1
    world.number += 2
    for number in (first, first + 1):
        server_app.bring(target, lease, *server_app.make_release(world.folder, number))
    await asyncio.to_thread(go, target, lease, first)
    async with load.running():
        for number in (first + 1, first, first + 1, first):
            await asyncio.to_thread(go, target, lease, number)
            before = load.done["stream"]
            async with asyncio.timeout(120):
                while load.done["stream"] == before:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.1)
    assert load.failed == []
    assert min(load.done[kind] for kind in ("GET", "POST", "stream", "heartbeat")) >= 4


@pytest.fixture
def small_disks(world: World) -> Iterator[None]:
    """Freehold's folders lie on disks of their own from here on; what fills them is gone at the end, come what may."""
    for folder in ("/srv/freehold", "/var/lib/freehold"):
        world.server.run(SMALL_DISK.format(folder=folder))
    yield
    world.server.run(FREE)


@pytest.mark.usefixtures("small_disks")
def test_a_disk_that_fills_up_at_any_step_stops_that_step_and_nothing_else(
    world: World, target: ServerTarget, lease: Lease
) -> None:
    """Somebody else fills the disks in the middle of it all."""
    before, page = live(target), world.page()
    large = world.folder / f"large{world.number}"
    release, parts = world.release("in spite of a full disk")
    (parts["site"] / "video.bin").write_bytes(os.urandom(8_000_000))
    digest = digest_of(parts["site"])
    site = parts["site"].rename(large.with_name(digest))
    release, parts = dataclasses.replace(release, artifact=digest, parts={"site": digest}), {"site": site}

    def fill(event: Event | None = None) -> None:
        if event is None or event.name == "progress":
            world.server.run(FILL)

    def is_refused(act: Callable[[], object]) -> None:
        """It says that there is no room, and users see nothing of it; then there is room again."""
        with pytest.raises(TargetUnfit, match="full") as caught:
            act()
        assert "No space left on device" in caught.value.detail
        assert live(target) == before
        assert world.page() == page
        world.server.run(FREE)

    is_refused(lambda: target.push(lease, parts, fill))
    notes: list[str] = []
    target.push(lease, parts, lambda event: notes.append(event.text) if event.name == "note" else None)
    assert len(notes) == 1
    for act in (
        lambda: target.put_secret("NEW", Secret("value")),
        lambda: target.mark(lease, before, bad=""),
        lambda: target.add(lease, release, Manifest()),
    ):
        fill()
        is_refused(act)
    target.add(lease, release, Manifest())
    fill()
    is_refused(lambda: target.healthy(lease, release.number))
    assert all(check.ok for check in target.healthy(lease, release.number))
    fill()
    is_refused(lambda: target.switch(lease, release.number))
    target.switch(lease, release.number)
    assert world.page().startswith("<h1>in spite of a full disk</h1>")
    target.record(Act(who="anna@laptop", what="deploy", result="done"))
    assert fault(target.trail()) == ""
    left = world.server.run("find /srv/freehold /var/lib/freehold -name '.*' ! -name '*.gone-*'").stdout
    assert left == ""


SMALL_DISK = (
    "mkdir -p /mnt/small && mount -t tmpfs -o size=$(( $(du -sk {folder} | cut -f1) + 160000 ))k small /mnt/small"
    " && cp -a {folder}/. /mnt/small/ && mount --bind /mnt/small {folder} && umount /mnt/small"
)
FILL = "for disk in /srv/freehold /var/lib/freehold; do cat /dev/zero > $disk/filler; done 2>/dev/null; true"
FREE = "rm -f /srv/freehold/filler /var/lib/freehold/filler"


def go(target: ServerTarget, lease: Lease, number: int) -> None:
    assert [check for check in target.healthy(lease, number) if not check.ok] == []
    target.switch(lease, number)


EMPTY = (
    "systemctl stop 'fh-shop@*'; systemctl reset-failed; cd /srv/freehold/shop && rm -rf releases/* parts/* current;"
    " cd /run/freehold/shop && rm -rf *.sock *.traffic left.json;"
    " cd /var/lib/freehold/shop && rm -rf releases standing.json lease.json trail.jsonl secrets"
)


class TestServer(TargetContract):
    """The suite of every target, on the machine as the tests before have left it, but without releases."""

    @pytest.fixture
    def target(self, world: World) -> Iterator[ServerTarget]:
        world.server.run(EMPTY)
        with ssh.connect(ssh.parse(f"root@{world.server.address}")) as connection:
            yield ServerTarget(name="production", app="shop", agent=Agent(connection), cache=machine_world.cache())

    def make_sick(self, target: ServerTarget, release: Release) -> Release:
        assert target.name == "production"
        return dataclasses.replace(release, config=release.config | {"no_such_setting": True})
