"""An app whose pages its own Node server renders, served by the runtime's site behind uvicorn on a free port."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from functions_world import settings_for

from freehold.kit import programs
from freehold.runtime.services import Receive, Scope, Send
from freehold.runtime.settings import ServerLimits, ServerSettings, Settings
from freehold.runtime.site.app import SiteApp
from freehold.runtime.site.proxy import open_proxy

READS = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "OWN_SECRET", "SITE_URL")
LIMITS = ServerLimits(heap_megabytes=64, memory_megabytes=300, cpu_seconds=1.5, hang_seconds=3)


class World:
    """A served app: `url` is its origin, `site` what answers."""

    def __init__(self, settings: Settings, site: SiteApp) -> None:
        self.settings = settings
        self.url = settings.public_url
        self.site = site

    def log(self) -> list[dict[str, str]]:
        """What the server has printed."""
        path = self.settings.function_state_directory / "logs" / "_server.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def pid(self) -> int:
        """The server's process, 0 while there is none."""
        server = self.site._server
        worker = server._server._slot.worker if server is not None else None
        return worker.pid if worker is not None else 0


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that happens in another process."""
    async with asyncio.timeout(120):
        while not holds():  # noqa: ASYNC110 - another process has no Event
            await asyncio.sleep(0.01)


async def text(http: aiohttp.ClientSession, world: World, path: str = "/") -> str:
    """What a page says."""
    async with http.get(world.url + path) as answer:
        return await answer.text()


@contextlib.asynccontextmanager
async def served(
    folder: Path, source: str, pages: dict[str, str] | None = None, **changes: Any
) -> AsyncIterator[World]:
    """Serve `source` as the server's entry, and `pages` as built files, with an API that says what it got."""
    directory, state, site = folder / "server", folder / "state", folder / "site"
    for place in (directory, site):
        place.mkdir()
    (directory / "index.mjs").write_text(source)
    for name, text in (pages or {}).items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)
    server = ServerSettings(directory=directory, entry="index.mjs", reads=READS, environment={"VITE_TITLE": "Pots"})
    settings = settings_for(
        state,
        (),
        f"http://127.0.0.1:{listener.getsockname()[1]}",
        **{"server": server, "server_limits": LIMITS, "node": str(programs.node().node), **changes},
    )
    app = SiteApp(site, open_proxy(settings))
    await app.start()
    running = uvicorn.Server(
        uvicorn.Config(_front(app), log_level="warning", lifespan="off", ws="websockets-sansio", proxy_headers=False)
    )
    running.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(running.serve([listener]))
    while not running.started:  # noqa: ASYNC110 - uvicorn says so in a plain field
        await asyncio.sleep(0.01)
    try:
        yield World(settings, app)
    finally:
        running.should_exit = running.force_exit = True
        await task
        await app.stop()


def _front(site: SiteApp) -> Any:
    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(("/rest/v1", "/_freehold")):
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            body = json.dumps({"path": scope["path"], "headers": headers}).encode()
            start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]}
            await send(start)
            await send({"type": "http.response.body", "body": body})
        else:
            await site(scope, receive, send)

    return front
