"""`freehold serve rest` as its owner starts it: a process of its own, with settings in the environment or a file."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from loopback import held_port
from rest_world import SECRET, TOKENS, Answer

COMMAND = [sys.executable, "-m", "freehold", "serve", "rest"]
START_SECONDS = 30


@dataclass
class StandIn:
    """A running server."""

    process: subprocess.Popen[bytes]
    url: str
    admin_url: str
    http: aiohttp.ClientSession
    log_file: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    async def ask(
        self, who: str, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """A request by "ann", "ben", "service" or "nobody"; anybody else is taken for a token."""
        sent = dict(headers or {})
        if who != "nobody":
            sent["authorization"] = f"Bearer {TOKENS.get(who, who)}"
        async with self.http.request(method, self.url + path, headers=sent, json=body) as answer:
            names = {name.lower(): value for name, value in answer.headers.items()}
            return Answer(answer.status, names, await answer.read())

    async def admin(self, path: str) -> Answer:
        async with self.http.get(self.admin_url + path) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def until_ready(self) -> None:
        async with asyncio.timeout(START_SECONDS):
            while True:
                assert self.process.poll() is None, self.log()
                with contextlib.suppress(aiohttp.ClientError):
                    if (await self.admin("/ready")).status == 200:
                        return
                await asyncio.sleep(0.02)

    async def until_answer(self, who: str, path: str, right: Callable[[Answer], bool]) -> Answer:
        """Ask again until the answer is right."""
        async with asyncio.timeout(START_SECONDS):
            while not right(answer := await self.ask(who, path)):  # noqa: ASYNC110 - it happens in another process
                await asyncio.sleep(0.02)
        return answer

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def until_ended(self) -> int:
        return await asyncio.to_thread(self.process.wait, START_SECONDS)

    def log(self) -> str:
        return self.log_file.read_text()


def environment_of(dsn: str, **settings: object) -> dict[str, str]:
    """What the server is told by its environment: `db_pool=1` is PGRST_DB_POOL=1."""
    told = {
        "db_uri": dsn, "db_anon_role": "anon", "jwt_secret": SECRET, "db_extra_search_path": "public,extensions",
        "server_host": "127.0.0.1", **settings,
    }  # fmt: skip
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PGRST_"))}
    return kept | {f"PGRST_{name.upper()}": str(value) for name, value in told.items()}


def run(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], env=dict(environment), capture_output=True, text=True, check=False, timeout=60
    )


@contextlib.asynccontextmanager
async def stand_in(
    dsn: str, folder: Path, *, config: Path | None = None, wait: bool = True, **settings: object
) -> AsyncIterator[StandIn]:
    """Start a server on ports of its own and end it."""
    with held_port() as api, held_port() as admin:
        environment = environment_of(dsn, server_port=api, admin_server_port=admin, **settings)
        async with _running(environment, folder, config, wait=wait) as server:
            yield server


@contextlib.asynccontextmanager
async def _running(
    environment: Mapping[str, str], folder: Path, config: Path | None, *, wait: bool
) -> AsyncIterator[StandIn]:
    api, admin = environment["PGRST_SERVER_PORT"], environment["PGRST_ADMIN_SERVER_PORT"]
    log = folder / f"server-{api}.log"
    with log.open("wb") as stream:
        argv = [*COMMAND, *([str(config)] if config else [])]
        process = subprocess.Popen(argv, env=environment, stderr=stream)  # noqa: ASYNC220 - it returns at once
    try:
        async with aiohttp.ClientSession() as http:
            urls = f"http://127.0.0.1:{api}", f"http://127.0.0.1:{admin}"
            server = StandIn(process, *urls, http, log, environment)
            if wait:
                await server.until_ready()
            yield server
    finally:
        process.terminate()
        try:
            # in a thread: a network that this process is may still have to move something
            await asyncio.to_thread(process.wait, 30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def until(true: Callable[[], bool]) -> None:
    """Wait until something outside this process has happened."""
    async with asyncio.timeout(START_SECONDS):
        while not true():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)
