"""The app's pages: static files, and for all else index.html or the app's own server.

Only files that were in the folder at start are served, looked up by exact name: no path is ever joined from a request.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from urllib.parse import unquote

from starlette.responses import FileResponse, PlainTextResponse, Response

from freehold.runtime.services import Receive, Scope, Send
from freehold.runtime.site.proxy import ServerProxy

IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
HASHED_FOLDERS = ("/assets/", "/_next/static/", "/_build/assets/")
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".webmanifest": "application/manifest+json"}
SECURITY_HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "strict-origin-when-cross-origin"}


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    media_type: str
    headers: dict[str, str]


class SiteApp:
    """Serves one release's site directory; answers 404 for everything while there is neither that nor a server."""

    def __init__(self, directory: Path | None, server: ServerProxy | None = None) -> None:
        """Files are listed, and the app's server is started, by `start`."""
        self._paths = server.paths if server is not None else ()
        self._directory = directory
        self._files: dict[str, _File] = {}
        self._server = server

    async def start(self) -> None:
        """List the files once: a release never changes. Raises ProcessDied when the app's server does not start."""
        if self._directory is not None:
            self._files = {
                "/" + path.relative_to(self._directory).as_posix(): _describe(path, self._directory)
                for path in sorted(self._directory.rglob("*"))
                if path.is_file() and not path.is_symlink()
            }

        if self._server is not None:
            await self._server.start()

    async def stop(self) -> None:
        """End the app's server, if it has one."""
        if self._server is not None:
            await self._server.stop()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or WebSocket."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif self._server is None or self._is_file(scope) or not self._is_servers(scope):
            await self._answer(scope)(scope, receive, send)
        else:
            await self._server.http(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._server is not None and self._is_servers(scope):
            await self._server.websocket(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "no WebSocket is served here"})

    def _is_file(self, scope: Scope) -> bool:
        """Whether a built file answers: the app's server sees no request for hashed files, not for old ones either."""
        path = unquote(scope["path"])
        known = self._exact(path) is not None or path.startswith(HASHED_FOLDERS)
        return known and scope["method"] in ("GET", "HEAD")

    def _is_servers(self, scope: Scope) -> bool:
        """Whether the app's server answers what is no file: everything, or what lies below its paths."""
        path = unquote(scope["path"])
        return not self._paths or any(_is_at(path, own) for own in self._paths)

    def _answer(self, scope: Scope) -> Response:
        """Answer GET and HEAD; other methods get 405."""
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("method not allowed", status_code=405, headers={"allow": "GET, HEAD"})
        file = self._find(unquote(scope["path"]), _header(scope, b"accept"))
        if file is None:
            return PlainTextResponse("not found", status_code=404, headers=SECURITY_HEADERS)
        if file.headers["etag"] in _header(scope, b"if-none-match"):
            return Response(status_code=304, headers=file.headers)
        return FileResponse(file.path, media_type=file.media_type, headers=file.headers)

    def _find(self, path: str, accept: str) -> _File | None:
        """Give the file of a path, else index.html when a person navigates (a missing script stays a 404)."""
        exact = self._exact(path)
        if exact is not None:
            return exact
        if path.startswith(HASHED_FOLDERS) or ("text/html" not in accept and "." in path.rpartition("/")[2]):
            return None
        return None if self._server and not self._paths else self._files.get("/index.html")

    def _exact(self, path: str) -> _File | None:
        return self._files.get(path) or self._files.get(path.rstrip("/") + "/index.html")


def _is_at(path: str, own: str) -> bool:
    """/api/ is a prefix, and stands for /api, too; a path without a slash at its end is that path alone."""
    return path == own or (own.endswith("/") and (path.startswith(own) or path == own[:-1]))


def _describe(path: Path, root: Path) -> _File:
    relative = "/" + path.relative_to(root).as_posix()
    media_type = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:32]
    headers = SECURITY_HEADERS | {
        "etag": f'"{digest}"',
        "last-modified": formatdate(path.stat().st_mtime, usegmt=True),
        "cache-control": IMMUTABLE if relative.startswith(HASHED_FOLDERS) else REVALIDATE,
    }
    return _File(path, media_type, headers)


def _header(scope: Scope, name: bytes) -> str:
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return ""
