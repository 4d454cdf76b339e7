"""Ten deploys and ten rollbacks on a real server under load: how long each takes, and how many requests fail.

The server is a Debian of its own under systemd-nspawn, reached by SSH, on this machine: the load, the server and the
tool share its processors. Needs root and the programs that tests/support/machine_world.py names.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/support"))

import machine_world
import server_app
import tiny_app
from server_load import Load

from freehold.core.release import Lease
from freehold.engine.journal import Journal
from freehold.flows import server_add, targets
from freehold.kit import ssh
from freehold.targets.server.agent import Agent
from freehold.targets.server.target import ServerTarget

ROUNDS = 10


def main() -> None:
    """Measure and print."""
    reason = machine_world.missing()
    if reason:
        print(f"skipped: {reason}")
        return
    with machine_world.bare_server(9) as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ[ssh.CONFIG_VARIABLE] = str(server.ssh_config)
        os.environ["FREEHOLD_AGE_IDENTITY"] = str(folder / "age.txt")
        os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
        os.environ["XDG_DATA_HOME"] = str(folder / "data")
        request = server_add.Request(address=f"root@{server.address}", app="shop", cache=machine_world.cache())
        began = time.monotonic()
        with server_add.offered(request, lambda _: None) as offer:
            server_add.add(offer, lambda _: None, Journal(folder / "journal"))
        targets.add("production", {"kind": "server", "address": request.address, "app": "shop", "url": ""})
        print(f"server add, from a bare Debian: {time.monotonic() - began:.1f} s")
        with ssh.connect(ssh.parse(request.address)) as connection:
            target = ServerTarget(name="production", app="shop", agent=Agent(connection), cache=machine_world.cache())
            asyncio.run(_measure(target, folder))


async def _measure(target: ServerTarget, folder: Path) -> None:
    server_app.make_table(target)
    lease = target.take_lock("bench", "bench", process="1", seconds=3600)
    _deploy(target, lease, folder, 1)
    times: dict[str, list[float]] = {}
    load = Load(url=target.address, key=target.publishable_key)
    async with load.running():
        for number in range(2, ROUNDS + 2):
            release, parts = server_app.make_release(folder, number)
            await _timed(times, "under load: upload", lambda r=release, p=parts: server_app.bring(target, lease, r, p))
            await _timed(times, "under load: deploy after the upload", lambda n=number: _go(target, lease, n))
            await asyncio.sleep(0.5)
        target.drop_lock(lease)
        for step in range(ROUNDS):
            await asyncio.to_thread(_rollback, times, "under load: warm", ROUNDS + (step + 1) % 2)
            await asyncio.sleep(0.5)
    for step in range(ROUNDS):
        await asyncio.to_thread(_rollback, times, "at rest: warm", ROUNDS + (step + 1) % 2)
    for number in (3, 4, 5):
        await asyncio.to_thread(_rollback, times, "at rest: cold", number)
    lease = target.take_lock("bench", "bench", process="1", seconds=3600)
    for number in (ROUNDS + 2, ROUNDS + 3, ROUNDS + 4):
        server_app.bring(target, lease, *server_app.make_release(folder, number))
        await _timed(times, "at rest: deploy after the upload", lambda n=number: _go(target, lease, n))
    target.drop_lock(lease)
    for step in range(5):
        await asyncio.to_thread(_deploy_typed, times, folder, step)
    for name, found in times.items():
        print(f"{name:60} median {statistics.median(found):.3f} s, slowest {max(found):.3f} s of {len(found)}")
    print(f"load: {dict(load.done)}, {len(load.failed)} failed, slowest answer {load.slowest_seconds:.2f} s")
    for line in load.failed[:10]:
        print(f"  {line}")


def _rollback(times: dict[str, list[float]], name: str, number: int) -> None:
    """The command as it is typed; its parts by the moments at which it says that a step begins."""
    began = before = time.monotonic()
    part = "until the server has read its orders, locked and looked"
    for event, now in _typed("rollback", str(number)):
        if event["event"] in {"step-started", "rolled-back"}:
            times.setdefault(f"{name}: . {part}", []).append(now - before)
            part, before = event.get("text", "the end of the command").partition(" release")[0], now
    now = time.monotonic()
    times.setdefault(f"{name}: . {part}", []).append(now - before)
    times.setdefault(f"{name}: the whole command", []).append(now - began)


def _deploy_typed(times: dict[str, list[float]], folder: Path, number: int) -> None:
    """`freehold deploy` as it is typed, without the watch: from the end of its upload to the end of the command."""
    migration = {tiny_app.MIGRATION: "create table if not exists public.typed (id bigint);\n"}
    app = tiny_app.write(folder / "typed", **{"index.html": f"<title>{number}</title>\n"}, **migration)
    uploaded, name = 0.0, "at rest: `freehold deploy` after its upload"
    before, part = 0.0, ""
    for event, now in _typed("deploy", str(app), "--watch", "0"):
        if event["event"] == "step-started" and (uploaded or event["text"].startswith("Apply")):
            uploaded = uploaded or now
            if part:
                times.setdefault(f"{name}: . {part}", []).append(now - before)
            part, before = event["text"].partition(" release")[0].partition(" of")[0], now
    now = time.monotonic()
    times.setdefault(f"{name}: . {part}, and the end of the command", []).append(now - before)
    times.setdefault(f"{name}: the whole", []).append(now - uploaded)


def _typed(*words: str) -> Iterator[tuple[dict[str, str], float]]:
    """Type a command; gives what it says, and when."""
    command = [sys.executable, "-m", "freehold", *words, "--to", "production", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            event = json.loads(line)
            assert event["event"] != "error", event
            yield event, time.monotonic()


def _deploy(target: ServerTarget, lease: Lease, folder: Path, number: int) -> None:
    server_app.bring(target, lease, *server_app.make_release(folder, number))
    _go(target, lease, number)


def _go(target: ServerTarget, lease: Lease, number: int) -> None:
    checks = target.healthy(lease, number)
    assert all(check.ok for check in checks), checks
    target.switch(lease, number)


async def _timed(times: dict[str, list[float]], name: str, act: Callable[[], None]) -> None:
    began = time.monotonic()
    await asyncio.to_thread(act)
    times.setdefault(name, []).append(time.monotonic() - began)


if __name__ == "__main__":
    main()
