"""An app with a Python server of its own, confined, served by the runtime's site behind uvicorn on a free port."""

import asyncio
import atexit
import compileall
import contextlib
import functools
import os
import py_compile
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from confined_world import skip_where_closed
from server_world import World, served

from freehold.core.secret import Secret
from freehold.runtime.settings import ServerLimits, ServerSettings
from freehold.runtime.site.python.doors import Door

LIMITS = ServerLimits(memory_megabytes=300, cpu_seconds=1.5, hang_seconds=4)
NOWHERE = Secret("host=/nonexistent user=freehold_server dbname=shop password=Qx-password-of-the-server")
KEY = Secret("Qz-key-that-signs-sessions-of-the-app")
DRIVER = ("psycopg", "psycopg_binary", "typing_extensions")
DJANGO = ("django", "asgiref", "sqlparse", *DRIVER)
READS = ("DATABASE_URL", "SECRET_KEY", "OWN_SECRET", "SITE_URL", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_URL")
PAGES = """import json, os, socket, sys, threading, time
def application(environ, start_response):
    query = dict(part.partition("=")[::2] for part in environ["QUERY_STRING"].split("&"))
    try:
        found, status = answer(environ, query), "200 OK"
    except BaseException as error:
        found, status = f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}", "200 OK"
    start_response(status, [("Content-Type", "text/plain")])
    return found if not isinstance(found, str) else [found.encode()]
"""


def lay_out(folder: Path, code: Mapping[str, str], *packages: str) -> Path:
    """Lay a server out as a release has it, with packages that this Python has installed."""
    for name, text in code.items():
        place = folder / "app" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    for kind, names in (("packages", packages), ("serving", ("waitress",))):
        shutil.copytree(_installed(names), folder / kind, copy_function=os.link)
    return folder


@functools.cache
def _installed(names: tuple[str, ...]) -> Path:
    """A folder with these packages, compiled; made once, as Django alone is thousands of files."""
    folder = Path(tempfile.mkdtemp(prefix="fh-test-packages-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in names:
        _copy(name, folder)
    compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    return folder


def _copy(name: str, target: Path) -> None:
    """Copy an installed package, or module, with what its wheel brought beside it."""
    spec = find_spec(name)
    assert spec is not None, f"{name} is not installed"
    assert spec.origin is not None
    source = Path(spec.origin)
    if source.name != "__init__.py":
        shutil.copy(source, target)
        return
    without = shutil.ignore_patterns("gis", "*.po")
    shutil.copytree(source.parent, target / name, ignore=without)
    for beside in (f"{name}.libs", f"{name}-*.dist-info"):
        for found in source.parent.parent.glob(beside):
            shutil.copytree(found, target / found.name)


@contextlib.asynccontextmanager
async def answering(door: Door) -> AsyncIterator[tuple[str, int]]:
    """A door alone, at an address of its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            await door(reader, writer)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()


@contextlib.asynccontextmanager
async def served_python(
    folder: Path,
    code: Mapping[str, str] | str,
    *packages: str,
    pages: dict[str, str] | None = None,
    server: Mapping[str, Any] | None = None,
    **changes: Any,
) -> AsyncIterator[World]:
    """Serve code, or a function `answer(environ, query)` that gives a text, as a release's Python server."""
    skip_where_closed()
    files = {"wsgi.py": PAGES + code} if isinstance(code, str) else code
    laid_out = lay_out(folder / "python", files, *packages)
    own = ServerSettings(
        **{
            "directory": laid_out,
            "runtime": "python",
            "application": "wsgi:application",
            "reads": READS,
            **(server or {}),
        }
    )
    given = {"server": own, "server_limits": LIMITS, "server_dsn": NOWHERE, "server_secret_key": KEY, **changes}
    async with served(folder, "", pages, **given) as world:
        yield world
