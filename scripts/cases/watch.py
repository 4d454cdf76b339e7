"""Every request of ours that a page makes and that fails: on our origin, with what the answer's own code says."""

import json
import re
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Error, Page, Request, Response, WebSocket

OURS = (
    "/rest/v1",
    "/auth/v1",
    "/storage/v1",
    "/functions/v1",
    "/realtime/v1",
    "/_freehold",
    "/~oauth",
    "/_serverFn",
    "/api",
)
_SCHEMA = re.compile(r"^(42P01|42703|42883|42P17|PGRST10[0-9]|PGRST20[0-9]|42P10|22P02)$")
_OWN_FUNCTION_ERRORS = {"WORKER_ERROR", "BOOT_ERROR", "WORKER_LIMIT", "REQUEST_TIMEOUT", "SHUTTING_DOWN"}


@dataclass(frozen=True, kw_only=True, order=True)
class Fault:
    """A request that failed; `ours` says whether the case fails by it, `why` what the answer said."""

    page: str
    request: str
    status: int
    code: str = ""
    why: str = ""
    ours: bool = True


@dataclass
class Watch:
    """Follows all pages of one walk."""

    origin: str
    faults: set[Fault] = field(default_factory=set)
    hosts: dict[str, int] = field(default_factory=dict)
    crashes: set[str] = field(default_factory=set)
    answered: list[tuple[str, str, int]] = field(default_factory=list)
    sockets: int = 0
    where: str = "/"

    def follow(self, page: Page) -> None:
        """Listen to a page."""
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("response", self._response)
        page.on("websocket", self._websocket)
        page.on("pageerror", lambda error: self.crashes.add(f"{self.where}: {str(error)[:160]}"))

    def seen(self, method: str, ending: str) -> list[int]:
        """Statuses of the answers to such requests so far."""
        return [status for verb, path, status in self.answered if verb == method and ending in path]

    def as_json(self) -> dict[str, Any]:
        """What is kept."""
        return {
            "faults": [asdict(fault) for fault in sorted(self.faults)],
            "hosts": dict(sorted(self.hosts.items())),
            "crashes": sorted(self.crashes),
            "sockets": self.sockets,
        }

    def _is_ours(self, url: str) -> bool:
        return url.startswith((self.origin + "/", self.origin.replace("http", "ws", 1) + "/")) or url == self.origin

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https"} and not self._is_ours(request.url) and parts.hostname:
            self.hosts[parts.hostname] = self.hosts.get(parts.hostname, 0) + 1

    def _failed(self, request: Request) -> None:
        failure = request.failure or ""
        if self._is_ours(request.url) and "ERR_ABORTED" not in failure:
            self._add(request.method, request.url, 0, "", failure)

    def _response(self, response: Response) -> None:
        if not self._is_ours(response.url):
            return
        method = response.request.method
        parts = urlsplit(response.url)
        self.answered.append((method, f"{parts.path}?{parts.query}", response.status))
        if response.status >= 400:
            code, why = _said(response)
            self._add(method, response.url, response.status, code, why)

    def _websocket(self, socket: WebSocket) -> None:
        if self._is_ours(socket.url):
            self.sockets += 1
            socket.on("socketerror", lambda text: self._add("WS", socket.url, 0, "", f"WebSocket: {text}"[:120]))

    def _add(self, method: str, url: str, status: int, code: str, why: str) -> None:
        path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", urlsplit(url).path)
        ours = _is_failure(method, path, status, code)
        if "/rest/v1/" in path and ours and status < 500:
            path += "".join(
                f"?{name}={value}"[:200] for name, value in parse_qsl(urlsplit(url).query) if name == "select"
            )
        self.faults.add(
            Fault(page=self.where, request=f"{method} {path}", status=status, code=code, why=why[:200], ours=ours)
        )


def _is_failure(method: str, path: str, status: int, code: str) -> bool:
    """What our side owes: an answer at all, no 5xx of its own, and tables, columns and functions that are there."""
    if path.startswith("/functions/v1/"):
        return status in {0, 404} or (status >= 500 and code in _OWN_FUNCTION_ERRORS)
    if path.startswith("/rest/v1"):
        return status in {0, 404} or status >= 500 or (status == 400 and bool(_SCHEMA.match(code)))
    if path.startswith(("/auth/v1", "/storage/v1", "/realtime/v1")):
        return status in {0, 404, 405} or status >= 500
    return method == "WS" or status == 0 or status >= 500


def _said(response: Response) -> tuple[str, str]:
    try:
        said = json.loads(response.text())
    except (Error, ValueError):
        return "", ""
    if not isinstance(said, dict):
        return "", ""
    code = said.get("code") or said.get("error_code") or ""
    text = said.get("message") or said.get("msg") or said.get("error") or said.get("error_description") or ""
    return str(code)[:40], str(text)[:200]
