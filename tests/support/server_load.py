"""Constant load on a served app: pages, rows written, an event stream, a WebSocket. Failures keep their words."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp

STREAM_EVENTS = 10
ECHO_SECONDS = 0.25


@dataclass
class Load:
    """What has happened so far."""

    url: str
    key: str
    done: Counter[str] = field(default_factory=Counter)
    failed: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    pause_seconds: float = 0.05
    """Between two requests of one client: load that leaves the machine some time for what is measured."""
    stopping: bool = False

    @contextlib.asynccontextmanager
    async def running(self, *, readers: int = 4, writers: int = 2) -> AsyncIterator["Load"]:
        """Load while the block runs; when it ends, everything under way may finish."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as http:
            jobs = [self._read(http) for _ in range(readers)] + [self._write(http) for _ in range(writers)]
            tasks = [asyncio.create_task(job) for job in (*jobs, self._stream(http), self._talk(http))]
            try:
                yield self
            finally:
                self.stopping = True
                await asyncio.gather(*tasks)

    async def _read(self, http: aiohttp.ClientSession) -> None:
        while not self.stopping:
            await self._ask(http, "GET", "/")
            await asyncio.sleep(self.pause_seconds)

    async def _write(self, http: aiohttp.ClientSession) -> None:
        while not self.stopping:
            await self._ask(http, "POST", "/rest/v1/notes", {"body": "x" * 2000})
            await asyncio.sleep(self.pause_seconds)

    async def _ask(self, http: aiohttp.ClientSession, method: str, path: str, body: object = None) -> None:
        began = time.monotonic()
        try:
            async with http.request(method, self.url + path, json=body, headers={"apikey": self.key}) as answer:
                text = await answer.text()
                if answer.status >= 400:
                    self.failed.append(f"{method} {path}: {answer.status} {text[:200]}")
                self.done[method] += 1
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.failed.append(f"{method} {path}: {error!r}")
        self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - began)

    async def _stream(self, http: aiohttp.ClientSession) -> None:
        """An event stream of a function, several seconds long: it has to arrive whole, whatever is switched."""
        while not self.stopping:
            try:
                async with http.get(f"{self.url}/functions/v1/ticks", headers={"apikey": self.key}) as answer:
                    events = (await answer.text()).count("data: ")
                if answer.status != 200 or events != STREAM_EVENTS:
                    self.failed.append(f"stream: {answer.status}, {events} of {STREAM_EVENTS} events")
                self.done["stream"] += 1
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self.failed.append(f"stream: {error!r}")

    async def _talk(self, http: aiohttp.ClientSession) -> None:
        """One WebSocket from the first switch to the last, and a heartbeat that must be answered each time."""
        address = f"{self.url}/realtime/v1/websocket?apikey={self.key}&vsn=1.0.0".replace("http", "ws", 1)
        try:
            async with http.ws_connect(address) as socket:
                number = 0
                while not self.stopping:
                    number += 1
                    beat = {"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": str(number)}
                    await socket.send_json(beat)
                    answer = await socket.receive_json(timeout=30)
                    if answer["ref"] != str(number):
                        self.failed.append(f"WebSocket: {answer}")
                    self.done["heartbeat"] += 1
                    await asyncio.sleep(ECHO_SECONDS)
        except (aiohttp.ClientError, OSError, TimeoutError, TypeError) as error:
            self.failed.append(f"WebSocket: {error!r}")
