"""TanStack Start's server side: functions that pages call by name, routes that answer themselves, and their names."""

import re
from collections.abc import Iterable, Iterator

from freehold.builders.shared.checkout import CODE_SUFFIXES, Checkout, Lines, lines
from freehold.builders.shared.code import without_comments
from freehold.core.inventory import EnvironmentName, ServerFunction, Unknown

FUNCTION, ROUTE = "server function", "server route"
_METHODS = "GET|POST|PUT|PATCH|DELETE|OPTIONS|HEAD|ANY"
_FUNCTION = re.compile(
    r"(?:\b(?:const|let|var)\s+(?P<name>\w+)\s*(?::[^=;]+)?=\s*)?\bcreateServerFn\s*\((?P<options>[^)]*)\)"
)
_METHOD = re.compile(rf"""\bmethod\s*:\s*["'`]({_METHODS})["'`]""")
_ROUTE = re.compile(
    r"""\b(?P<maker>createFileRoute|createServerFileRoute|createAPIFileRoute)\s*\(\s*["'`](?P<path>[^"'`\n]+)["'`]\s*\)"""
)
_SERVER = re.compile(r"\bserver\s*:\s*\{")
_HANDLER = re.compile(rf"\b({_METHODS})\s*(?::|\()")
_MIDDLEWARE = re.compile(r"(?:\.middleware\s*\(\s*|\bmiddleware\s*:\s*)\[([^\]]*)\]")
_GLOBAL = re.compile(r"\b(functionMiddleware|requestMiddleware)\s*:\s*\[([^\]]*)\]")
_NAMED = re.compile(r"[A-Za-z_$][\w$.]*")
_EVERY_RIGHT = re.compile(
    r"\bsupabaseAdmin\b|\bSUPABASE_SERVICE_ROLE_KEY\b|\bSUPABASE_SECRET_KEYS?\b|client\.server[\"']"
)
_AUTOMATIC = re.compile(
    r"^(?:SUPABASE_(?:URL|PUBLISHABLE_KEY|ANON_KEY|SERVICE_ROLE_KEY|SECRET_KEYS?|PROJECT_ID|DB_URL)$|VITE_|NODE_|npm_)"
)
_SET_BY_HOST = frozenset({"PORT", "HOST", "HOSTNAME", "NITRO_PORT", "NITRO_HOST", "TZ", "CI", "PATH", "HOME", "TMPDIR"})
_NOT_SERVED = re.compile(r"(^|/)(tests?|__tests__|scripts?|e2e)/|\.(test|spec)\.\w+$|\.config\.\w+$")
_NEXT = re.compile(r"^(?:export|const|let|var|function|async|type|interface|class|import)\b", re.MULTILINE)
_SHOWN = 8


def server_functions(checkout: Checkout, root: str) -> tuple[ServerFunction, ...]:
    """List the functions and routes below `root`'s sources, by kind and name; what runs before all is in each."""
    folder = f"{root}/src" if root else "src"
    before = _global_middleware(checkout, folder)
    found: list[ServerFunction] = []
    for path in checkout.below(folder, suffixes=CODE_SUFFIXES):
        raw = checkout.text(path)
        if ("createServerFn" not in raw and "FileRoute" not in raw) or _NOT_SERVED.search(path):
            continue
        text, index = without_comments(raw), lines(raw)
        found += _functions(path, text, index, before["functionMiddleware"])
        found += _routes(path, text, index, before["requestMiddleware"])
    return tuple(sorted(found, key=lambda item: (item.kind, item.name, item.places)))


def is_only_a_route(text: str) -> bool:
    """Say whether a file of the router answers requests itself and shows no page."""
    code = without_comments(text)
    match = _ROUTE.search(code)
    if match is None:
        return False
    return match["maker"] != "createFileRoute" or (bool(_SERVER.search(code)) and not _shows_a_page(code))


def secrets(names: Iterable[EnvironmentName]) -> tuple[str, ...]:
    """Name what the server reads and the owner has to set: not what the platform sets, nor what tests read."""
    return tuple(
        sorted(
            {
                item.name
                for item in names
                if item.kind == "process.env"
                and not item.function
                and not _AUTOMATIC.match(item.name)
                and item.name not in _SET_BY_HOST
                and any(place.path.startswith("src/") and not _NOT_SERVED.search(place.path) for place in item.places)
            }
        )
    )


def unknowns(names: tuple[str, ...]) -> tuple[Unknown, ...]:
    """Say which values the sources do not hold."""
    if not names:
        return ()
    shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
    why = f"the app's server reads names whose values are never in the sources ({len(names)}): {shown}"
    return (Unknown(what="secrets of the server", why=why, hint="freehold secrets set NAME"),)


def _functions(path: str, text: str, index: Lines, before: tuple[str, ...]) -> Iterator[ServerFunction]:
    matches = [*_FUNCTION.finditer(text)]
    for number, match in enumerate(matches):
        part = _statement(text[match.start() : matches[number + 1].start() if number + 1 < len(matches) else len(text)])
        method = _METHOD.search(match["options"])
        yield ServerFunction(
            name=match["name"] or f"(unnamed in {path.rpartition('/')[2]})",
            kind=FUNCTION,
            methods=(method[1] if method else "GET",),
            middleware=(*before, *_middleware(part)),
            every_right=bool(_EVERY_RIGHT.search(part)),
            places=(index.place(path, match.start()),),
        )


def _routes(path: str, text: str, index: Lines, before: tuple[str, ...]) -> Iterator[ServerFunction]:
    for match in _ROUTE.finditer(text):
        rest = text[match.end() :]
        server = _SERVER.search(rest)
        if match["maker"] == "createFileRoute" and server is None:
            continue
        part = _braced(rest[server.end() - 1 :]) if server else rest
        yield ServerFunction(
            name=match["path"],
            kind=ROUTE,
            methods=tuple(dict.fromkeys(_HANDLER.findall(part))) or ("ANY",),
            middleware=(*before, *_middleware(part)),
            every_right=bool(_EVERY_RIGHT.search(text)),
            places=(index.place(path, match.start()),),
        )


def _statement(part: str) -> str:
    """Cut a part where the next statement of the file begins."""
    match = _NEXT.search(part, 1)
    return part[: match.start()] if match else part


def _braced(text: str) -> str:
    """Give the text up to the brace that closes the first one; strings with braces may end it early, never late."""
    depth = 0
    for offset, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[: offset + 1]
    return text


def _middleware(part: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for match in _MIDDLEWARE.finditer(part) for name in _NAMED.findall(match[1])))


def _global_middleware(checkout: Checkout, folder: str) -> dict[str, tuple[str, ...]]:
    """Read createStart: what runs before every server function, and before every request."""
    found: dict[str, tuple[str, ...]] = {"functionMiddleware": (), "requestMiddleware": ()}
    for name in ("start.ts", "start.tsx", "start.js"):
        for match in _GLOBAL.finditer(without_comments(checkout.text(f"{folder}/{name}"))):
            found[match[1]] = tuple(_NAMED.findall(match[2]))
    return found


def _shows_a_page(code: str) -> bool:
    return bool(re.search(r"\b(?:component|lazy)\s*[:,(]", code))
