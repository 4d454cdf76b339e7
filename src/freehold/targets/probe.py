"""Look at a release on its own socket, where no user is: its site, its API, its database, its functions."""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from freehold.core.release import FUNCTIONS, SITE, Check, Release
from freehold.kit import unix_http
from freehold.kit.unix_http import Answer

TIMEOUT_SECONDS = 60.0
"""An app's own server may still be starting on a busy machine."""
FUNCTION_TIMEOUT_SECONDS = 40.0
FUNCTIONS_ASKED = 3
"""Each function is a process of its own, so only the first few are started: a missing image or right shows there."""
FAILURE = 500


def look(socket: Path, release: Release, publishable_key: str, *, is_known: bool = False) -> tuple[Check, ...]:
    """Ask a release that runs; it can be asked again and again.

    One that `is_known`, because it was live before, is not asked for its functions: they have been seen to start.
    """
    checks = [_database(socket), _api(socket, publishable_key)]
    if SITE in release.parts:
        checks.append(_site(socket))
    names = _functions(release.config)
    if names and not is_known and FUNCTIONS in release.parts and all(check.ok for check in checks):
        checks.append(_ask_functions(socket, names))
    return tuple(checks)


def _database(socket: Path) -> Check:
    answer = _ask(socket, "/_freehold/health", {})
    return Check(name="database", ok=_status(answer) == HTTPStatus.OK, detail=_said(answer))


def _api(socket: Path, publishable_key: str) -> Check:
    answer = _ask(socket, "/_freehold/health/api", {"apikey": publishable_key})
    ok = 0 < _status(answer) < FAILURE and _status(answer) != HTTPStatus.NOT_FOUND
    return Check(name="api", ok=ok, detail=_said(answer))


def _site(socket: Path) -> Check:
    """A page that wants a sign-in, or is elsewhere, is the app's own answer; a 5xx or none is not one to show users."""
    answer = _ask(socket, "/", {"accept": "text/html"})
    return Check(name="site", ok=0 < _status(answer) < FAILURE, detail=_said(answer))


def _ask_functions(socket: Path, names: tuple[str, ...]) -> Check:
    """OPTIONS is what browsers ask first; no function does its work for it."""
    for name in names[:FUNCTIONS_ASKED]:
        headers = {"origin": "https://freehold.invalid", "access-control-request-method": "POST"}
        answer = _ask(
            socket,
            f"/_freehold/health/functions/{name}",
            headers,
            method="OPTIONS",
            timeout_seconds=FUNCTION_TIMEOUT_SECONDS,
        )
        if isinstance(answer, str) or answer.status == HTTPStatus.SERVICE_UNAVAILABLE:
            return Check(name="functions", ok=False, detail=f"{name}: {_said(answer)}")
    return Check(name="functions", ok=True, detail=f"{', '.join(names[:FUNCTIONS_ASKED])} started")


def _functions(config: Mapping[str, object]) -> tuple[str, ...]:
    """Names of the functions that can start; what could not be fetched was said when it was built."""
    functions = config.get("functions")
    items = functions if isinstance(functions, list) else []
    return tuple(str(item["name"]) for item in items if isinstance(item, dict) and not item.get("problem"))


def _ask(
    socket: Path,
    target: str,
    headers: Mapping[str, str],
    *,
    method: str = "GET",
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> Answer | str:
    try:
        return unix_http.ask(socket, target, headers=headers, timeout_seconds=timeout_seconds, method=method)
    except OSError as error:
        return str(error) or type(error).__name__


def _status(answer: Answer | str) -> int:
    return 0 if isinstance(answer, str) else answer.status


def _said(answer: Answer | str) -> str:
    if isinstance(answer, str):
        return f"no answer: {answer}"
    return f"{answer.status} {answer.media_type}".strip()
