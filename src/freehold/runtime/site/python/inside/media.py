"""Files that people have uploaded, served from the folder that is kept for them."""

import mimetypes
import os
import re
from collections.abc import Iterable
from email.utils import formatdate
from pathlib import Path
from urllib.parse import quote

from freehold.runtime.site.python.inside.wsgi import Application, Environ, StartResponse

FOLDER = "/freehold/media"
PIECE_BYTES = 64 * 1024
_ACTIVE = ("html", "xml", "svg", "javascript")
_RANGE = re.compile(r"\Abytes=(\d+)-(\d*)\Z")


def served(prefix: str) -> Application:
    """Serve what lies below FOLDER at addresses below `prefix`; nothing is listed."""

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        # PEP 3333 has bytes as Latin-1 in texts.
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "surrogateescape").removeprefix(prefix)
        found = _file(path)
        if found is None:
            return _short(start_response, "404 Not Found", b"not found")
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _short(start_response, "405 Method Not Allowed", b"method not allowed")
        return _sent(found, environ, start_response)

    return answer


def _file(path: str) -> Path | None:
    try:
        found = Path(os.path.realpath(f"{FOLDER}/{path}"))
        return found if found.is_relative_to(FOLDER) and found.is_file() else None
    except (ValueError, OSError):
        return None


def _sent(path: Path, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    file = path.open("rb")
    state = os.fstat(file.fileno())
    modified = formatdate(state.st_mtime, usegmt=True)
    headers = [("Last-Modified", modified), ("Cache-Control", "no-cache"), *_guarded(path)]
    if environ.get("HTTP_IF_MODIFIED_SINCE") == modified:
        file.close()
        start_response("304 Not Modified", headers)
        return []
    first, last = _wanted(environ.get("HTTP_RANGE", ""), state.st_size)
    is_part = last - first + 1 < state.st_size
    if is_part:
        headers.append(("Content-Range", f"bytes {first}-{last}/{state.st_size}"))
    headers += [("Accept-Ranges", "bytes"), ("Content-Length", str(last - first + 1))]
    start_response("206 Partial Content" if is_part else "200 OK", headers)
    if environ["REQUEST_METHOD"] == "HEAD":
        file.close()
        return []
    file.seek(first)
    # The server sends the file from its own loop: a slow client holds no thread.
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file, PIECE_BYTES)
    return wrapped


def _guarded(path: Path) -> list[tuple[str, str]]:
    """What somebody has uploaded runs nothing at the app's address."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = [("Content-Type", kind), ("X-Content-Type-Options", "nosniff")]
    if any(word in kind for word in _ACTIVE):
        headers.append(("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"))
    elif kind == "application/octet-stream":
        headers.append(("Content-Disposition", f"attachment; filename*=utf-8''{quote(path.name)}"))
    return headers


def _wanted(text: str, size: int) -> tuple[int, int]:
    """First and last byte of a range as players ask for it; another range is all."""
    match = _RANGE.match(text)
    first, last = (int(match[1]), min(int(match[2] or size), size - 1)) if match else (0, size - 1)
    return (first, last) if first <= last else (0, size - 1)


def _short(start_response: StartResponse, status: str, text: bytes) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text]
