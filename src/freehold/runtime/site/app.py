"""The app's pages: static files, with index.html for the paths that the app routes in the browser.

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
    """Serves one release's `site_directory`; answers 404 for everything while there is none."""

    def __init__(self, directory: Path | None) -> None:
        """Files are listed by `start`."""
        self._directory = directory
        self._files: dict[str, _File] = {}

    async def start(self) -> None:
        """List the files once: a release never changes."""
        if self._directory is not None:
            self._files = {
                "/" + path.relative_to(self._directory).as_posix(): _describe(path, self._directory)
                for path in sorted(self._directory.rglob("*"))
                if path.is_file() and not path.is_symlink()
            }

    async def stop(self) -> None:
        """Nothing runs here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET and HEAD; other methods get 405."""
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
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
        exact = self._files.get(path) or self._files.get(path.rstrip("/") + "/index.html")
        if exact is not None:
            return exact
        if path.startswith(HASHED_FOLDERS) or ("text/html" not in accept and "." in path.rpartition("/")[2]):
            return None
        return self._files.get("/index.html")


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
