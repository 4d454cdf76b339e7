"""Functions: who calls is passed on, and each call gets its own service token. None of it can come from outside."""

from collections.abc import MutableMapping
from typing import Any

from freehold.runtime.base44 import identity
from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import Request, plain
from freehold.runtime.base44.identity import Who
from freehold.runtime.services import Send

_OURS = (b"base44-", b"x-base44-scheduler", b"x-base44-connector", b"on-behalf-of", b"x-freehold-")
"""Headers that say who calls: functions trust them, so nobody outside may send them."""
_PASSED = frozenset((b"base44-functions-version", b"base44-state"))


async def call_function(context: Context, request: Request, who: Who, path: str, send: Send) -> None:
    """Pass one call on; `path` is the function's name, and what follows it. The answer streams through."""
    known = {function.name for function in context.services.settings.functions}
    name = _longest(path, known)
    if name is None:
        raise plain(404, f'Function "{path.partition("/")[0]}" not found')
    scope = _scope(context, request, who, name, path)
    await context.peers["functions"].app(scope, request.receive, send)


def _longest(path: str, known: set[str]) -> str | None:
    """Names may have several parts: the longest that fits is meant. In addresses of functions a slash is two dashes."""
    parts = path.split("/")
    for end in range(len(parts), 0, -1):
        for name in ("/".join(parts[:end]), "--".join(parts[:end])):
            if name in known:
                return name
    return None


def _scope(context: Context, request: Request, who: Who, name: str, path: str) -> MutableMapping[str, Any]:
    kept = [(key, value) for key, value in request.scope["headers"] if key in _PASSED or not key.startswith(_OURS)]
    token = identity.service_token(context.services.sessions, name, who)
    environment = request.headers.get("x-data-env", "prod")
    given = {
        "base44-app-id": context.app.app_id or request.headers.get("x-app-id", ""),
        "base44-api-url": context.services.settings.public_url,
        "base44-service-authorization": f"Bearer {token}",
    }
    if environment not in ("prod", "dev"):
        kept = [(key, value) for key, value in kept if key != b"x-data-env"]
    inner = dict(request.scope)
    inner["headers"] = [*kept, *((key.encode(), value.encode()) for key, value in given.items())]
    rest = path[len(name.replace("--", "/")) :] if "--" in name and name not in path else path[len(name) :]
    inner["path"] = f"/{name}{rest}"
    inner["raw_path"] = inner["path"].encode()
    return inner
