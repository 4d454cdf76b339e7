"""Several worker processes of one release: one leads, all serve, and any may die."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
from realtime_world import ANN, ANON_KEY, PATIENCE_SECONDS, TOKENS, Client, lay_out, settings_for

from freehold.runtime import settings
from freehold.testing.database import FreshDatabase


@dataclass
class Worker:
    """A `freehold serve` of its own."""

    process: subprocess.Popen[bytes]
    url: str

    def listens_at(self, path: str) -> bool:
        """Whether this process has the unix socket of this name."""
        lines = Path("/proc/net/unix").read_text().splitlines()
        inodes = {f"socket:[{line.split()[6]}]" for line in lines if line.endswith(path)}
        return any(_target(link) in inodes for link in Path(f"/proc/{self.process.pid}/fd").iterdir())


def _target(link: Path) -> str:
    """Where a descriptor leads, "" for one that has been closed meanwhile."""
    try:
        return str(link.readlink())
    except FileNotFoundError:
        return ""


@contextlib.asynccontextmanager
async def workers(database: FreshDatabase, count: int) -> AsyncIterator[list[Worker]]:
    started = []
    try:
        for _ in range(count):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                url = f"http://127.0.0.1:{listener.getsockname()[1]}"
                ready, announce = os.pipe()
                numbers = ["--fd", str(listener.fileno()), "--ready-fd", str(announce)]
                process = subprocess.Popen(  # noqa: ASYNC220 - its start is not waited for
                    [sys.executable, "-m", "freehold", "serve", "--config", "-", *numbers],
                    stdin=subprocess.PIPE,
                    pass_fds=(listener.fileno(), announce),
                )
                assert process.stdin is not None
                process.stdin.write(settings.dump(settings_for(database, url)).encode())
                process.stdin.close()
                os.close(announce)
                started.append((Worker(process, url), ready))
        for _, ready in started:
            assert await asyncio.to_thread(os.read, ready, 1) == b"1"
            os.close(ready)
        yield [worker for worker, _ in started]
    finally:
        for worker, _ in started:
            worker.process.kill()
            worker.process.wait()


async def connect(http: aiohttp.ClientSession, worker: Worker) -> Client:
    address = f"{worker.url}/realtime/v1/websocket?apikey={ANON_KEY}&vsn=2.0.0"
    return Client(await http.ws_connect(address, max_msg_size=0), "2.0.0")


def leader_of(all_workers: list[Worker], admin: psycopg.Connection[Any]) -> Worker | None:
    rows = admin.execute("select address from freehold_worker.leader").fetchall()
    return next((one for (path,) in rows for one in all_workers if one.listens_at(path)), None)


async def until(true: Any) -> Any:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := true()):  # noqa: ASYNC110 - the processes tell nobody
            await asyncio.sleep(0.05)
        return found


async def test_when_the_leader_is_killed_nothing_is_lost_to_the_others_clients(database: FreshDatabase) -> None:
    lay_out(database)
    with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
        async with workers(database, 3) as three, aiohttp.ClientSession() as http:
            clients = {worker.url: await connect(http, worker) for worker in three}
            for client in clients.values():
                await client.listen("notes", TOKENS["ann"], table="notes")
                await client.join("lobby", presence={"key": "k", "enabled": True})
            first = await until(lambda: leader_of(three, admin))
            others = [worker for worker in three if worker is not first]
            track = {"type": "presence", "event": "track", "payload": {"at": first.url}}
            await clients[first.url].ask("realtime:lobby", "presence", track)
            survivors = [clients[worker.url] for worker in others]
            for client in survivors:
                await client.until(lambda one=client: one.of("presence_diff"))
            for number in range(300):
                admin.execute("insert into notes (owner, title) values (%s, %s)", (ANN, str(number)))
                if number == 100:
                    first.process.kill()
                    admin.execute("select realtime.send('{\"n\": 1}', 'x', 'lobby', false)")
                await asyncio.sleep(0.01)
            second = await until(lambda: leader_of(others, admin))
            assert second is not first
            for client in survivors:
                await client.until(lambda one=client: len(one.changes()) >= 300)
                titles = [change["record"]["title"] for change in client.changes()]
                assert titles == [str(number) for number in range(300)]
                await client.until(lambda one=client: one.of("broadcast"))
                await client.until(lambda one=client: one.of("presence_diff")[-1]["leaves"])
                assert len(client.of("broadcast")) == 1
                assert [s for s in client.of("system") if s["status"] != "ok"] == []
            slots = admin.execute("select count(*) from pg_replication_slots where database = current_database()")
            assert slots.fetchone() == (1,)


async def test_clients_of_different_workers_hear_each_other(database: FreshDatabase) -> None:
    lay_out(database)
    async with workers(database, 2) as two, aiohttp.ClientSession() as http:
        one, other = [await connect(http, worker) for worker in two]
        for client, key in ((one, "one"), (other, "other")):
            await client.join("room", presence={"key": key, "enabled": True})
            track = {"type": "presence", "event": "track", "payload": {}}
            await client.ask("realtime:room", "presence", track)
        await one.until(lambda: [d for d in one.of("presence_diff") if "other" in d["joins"]])
        await other.until(lambda: "one" in str(other.of("presence_state")) or "one" in str(other.of("presence_diff")))
        await one.say("realtime:room", "broadcast", {"type": "broadcast", "event": "x", "payload": {"n": 1}})
        await other.until(lambda: other.of("broadcast"))
        await one.socket.close()
        await other.until(lambda: [d for d in other.of("presence_diff") if "one" in d["leaves"]])
