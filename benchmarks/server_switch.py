"""Ten deploys and ten rollbacks on a real server under load: how long each takes, and how many requests fail.

The server is a Debian of its own under systemd-nspawn, reached by SSH, on this machine: the load, the server and the
tool share its processors. Needs root and the programs that tests/support/machine_world.py names.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests/support"))

import machine_world
import server_app
from server_load import Load

from freehold.core.release import Lease
from freehold.engine.journal import Journal
from freehold.flows import server_add
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
        request = server_add.Request(address=f"root@{server.address}", app="shop", cache=machine_world.cache())
        began = time.monotonic()
        with server_add.offered(request, lambda _: None) as offer:
            server_add.add(offer, lambda _: None, Journal(folder / "journal"))
        print(f"server add, from a bare Debian: {time.monotonic() - began:.1f} s")
        with ssh.connect(ssh.parse(f"root@{server.address}")) as connection:
            target = ServerTarget(name="p", app="shop", agent=Agent(connection), cache=machine_world.cache())
            asyncio.run(_measure(target, folder))


async def _measure(target: ServerTarget, folder: Path) -> None:
    lease = target.take_lock("bench", "bench", process="1", seconds=3600)
    server_app.make_table(target)
    _deploy(target, lease, folder, 1)
    times: dict[str, list[float]] = {name: [] for name in ("upload", "deploy", "rollback warm", "rollback cold")}
    load = Load(url=target.address, key=target.publishable_key)
    async with load.running():
        for number in range(2, ROUNDS + 2):
            release, parts = server_app.make_release(folder, number)
            await _timed(times["upload"], lambda r=release, p=parts: server_app.bring(target, lease, r, p))
            await _timed(times["deploy"], lambda n=number: _go(target, lease, n))
            await asyncio.sleep(0.5)
        for step in range(ROUNDS):
            number = ROUNDS + (step + 1) % 2
            await _timed(times["rollback warm"], lambda n=number: _go(target, lease, n))
            await asyncio.sleep(0.5)
    for number in (3, 4, 5):
        await _timed(times["rollback cold"], lambda n=number: _go(target, lease, n))
    for name, found in times.items():
        print(f"{name:15} median {statistics.median(found):.2f} s, slowest {max(found):.2f} s of {len(found)}")
    print(f"load: {dict(load.done)}, {len(load.failed)} failed, slowest answer {load.slowest_seconds:.2f} s")
    for line in load.failed[:10]:
        print(f"  {line}")


def _deploy(target: ServerTarget, lease: Lease, folder: Path, number: int) -> None:
    server_app.bring(target, lease, *server_app.make_release(folder, number))
    _go(target, lease, number)


def _go(target: ServerTarget, lease: Lease, number: int) -> None:
    checks = target.healthy(lease, number)
    assert all(check.ok for check in checks), checks
    target.switch(lease, number)


async def _timed(into: list[float], act: Callable[[], None]) -> None:
    began = time.monotonic()
    await asyncio.to_thread(act)
    into.append(time.monotonic() - began)


if __name__ == "__main__":
    main()
