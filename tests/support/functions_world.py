"""A small world for edge functions: sources in a folder, served by uvicorn on a free port."""

import asyncio
import contextlib
import json
import shutil
import socket
import sysconfig
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from freehold.core.secret import Secret
from freehold.runtime.ai.app import AiApp
from freehold.runtime.functions.app import FunctionsApp
from freehold.runtime.services import open_services
from freehold.runtime.settings import FunctionLimits, FunctionSettings, Settings

DENO = shutil.which("deno", path=sysconfig.get_path("scripts")) or shutil.which("deno") or ""
JWT_SECRET = "a-secret-of-at-least-thirty-two-characters"
PUBLISHABLE = "sb_publishable_test"
SECRET = "sb_secret_test_value"
LOVABLE_KEY = "fh_virtual_key_of_this_app"


def token(role: str, **claims: object) -> str:
    """An HS256 token of this world."""
    values = {"role": role, "exp": int(time.time()) + 3600, **claims}
    return jwt.encode({"alg": "HS256"}, values, OctKey.import_key(JWT_SECRET))


def write(root: Path, sources: Mapping[str, str], *, open_to_all: bool = True) -> tuple[FunctionSettings, ...]:
    """Lay functions out as an artifact does, without anything to fetch."""
    made = []
    for name, source in sources.items():
        folder = root / "functions" / name
        entry = f"supabase/functions/{name}/index.ts"
        (folder / entry).parent.mkdir(parents=True, exist_ok=True)
        (folder / entry).write_text(source)
        (folder / "deno.json").write_text("{}")
        made.append(
            FunctionSettings(
                name=name, directory=folder, entry=entry, verify_jwt=not open_to_all, import_map="deno.json"
            )
        )
    return tuple(made)


def settings_for(state: Path, functions: tuple[FunctionSettings, ...], url: str, **changes: Any) -> Settings:
    """Settings without a database: functions never touch it."""
    nowhere = Secret("host=/nonexistent")
    values: dict[str, Any] = {
        "public_url": url,
        "rest_dsn": nowhere,
        "auth_dsn": nowhere,
        "storage_dsn": nowhere,
        "jwt_secret": Secret(JWT_SECRET),
        "signing_key": Secret(json.dumps(ECKey.generate_key("P-256", private=True).as_dict(private=True))),
        "publishable_key": PUBLISHABLE,
        "secret_key": Secret(SECRET),
        "anon_jwt": token("anon"),
        "service_role_jwt": Secret(token("service_role")),
        "anon_names": ("the-old-anon-key",),
        "functions": functions,
        "function_secrets": {"LOVABLE_API_KEY": Secret(LOVABLE_KEY), "OWN_SECRET": Secret("hush-hush-value")},
        "function_state_directory": state,
        "function_limits": FunctionLimits(heap_megabytes=64, memory_megabytes=300, cpu_seconds=1.5),
        "deno": DENO,
    }
    return Settings(**(values | changes))


class World:
    """A served app: `url` is its origin, `settings` what it was started with."""

    def __init__(self, settings: Settings, app: FunctionsApp) -> None:
        self.settings = settings
        self.url = settings.public_url
        self.app = app

    def address(self, path: str) -> str:
        """The address of a function."""
        return f"{self.url}/functions/v1/{path}"

    def log(self, name: str) -> list[dict[str, str]]:
        """What a function has printed."""
        path = self.settings.function_state_directory / "logs" / f"{name}.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@contextlib.asynccontextmanager
async def served(state: Path, functions: tuple[FunctionSettings, ...], **changes: Any) -> AsyncIterator[World]:
    """Serve functions behind a front that answers /rest/v1 by saying what it got."""
    # asyncio turns Nagle's algorithm off only where the protocol is named.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)
    settings = settings_for(state, functions, f"http://127.0.0.1:{listener.getsockname()[1]}", **changes)
    services = open_services(settings)
    app, ai = FunctionsApp(services), AiApp(services)
    await app.start()
    config = uvicorn.Config(_front(app, ai), log_level="warning", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn says so in a plain field
        await asyncio.sleep(0.01)
    try:
        yield World(settings, app)
    finally:
        server.should_exit = True
        server.force_exit = True
        await task
        await app.stop()


def _front(functions: FunctionsApp, ai: AiApp) -> Any:
    async def front(scope: Any, receive: Any, send: Any) -> None:
        for prefix, app in (("/functions/v1", functions), ("/_freehold/ai", ai)):
            if scope["path"].startswith(prefix):
                inner = dict(scope, path=scope["path"][len(prefix) :] or "/", raw_path=scope["raw_path"][len(prefix) :])
                return await app(inner, receive, send)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = json.dumps({"path": scope["path"], "query": scope["query_string"].decode(), "headers": headers}).encode()
        start = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": start})
        await send({"type": "http.response.body", "body": body})
        return None

    return front
