"""Names that code reads from its environment, and where."""

import re
from collections.abc import Iterable

from freehold.builders.shared.checkout import Checkout, lines
from freehold.builders.shared.code import without_comments
from freehold.core.inventory import EnvironmentName, Place

_NAME = r"([A-Za-z_]\w*)"
_READS = (
    ("import.meta.env", re.compile(rf"""import\.meta\.env(?:\??\.{_NAME}|(?:\?\.)?\[\s*["'`]{_NAME}["'`]\s*\])""")),
    ("process.env", re.compile(rf"""process\.env(?:\??\.{_NAME}|(?:\?\.)?\[\s*["'`]{_NAME}["'`]\s*\])""")),
    ("Deno.env", re.compile(rf"""Deno\.env\.get\s*\(\s*(?:["'`]{_NAME}["'`])\s*()""")),
)
_SET_BY_VITE = frozenset({"MODE", "DEV", "PROD", "SSR", "BASE_URL"})
_SET_BY_NODE = frozenset({"NODE_ENV"})
_SUPPLIED = re.compile(r"(?:VITE_|NEXT_|EXPO_PUBLIC_)?SUPABASE_|NEXT_|VERCEL|(?:CI|PORT|HOST|HOSTNAME|ANALYZE)$")
_NOT_SERVED = re.compile(r"(?:^|/)(?:scripts|tests?|e2e|__tests__)/|\.(?:test|spec|config)\.|(?:^|/)supabase/")


def scan(checkout: Checkout, files: tuple[str, ...], function: str = "") -> tuple[EnvironmentName, ...]:
    """List each name with its kind and places, sorted; what the tools set themselves is left out."""
    found: dict[tuple[str, str], list[Place]] = {}
    for path in files:
        raw = checkout.text(path)
        if "env" not in raw:
            continue
        text = without_comments(raw)
        index = lines(text)
        for kind, pattern in _READS:
            for match in pattern.finditer(text):
                name = match[1] or match[2]
                if not _is_set_by_tools(kind, name):
                    found.setdefault((name, kind), []).append(index.place(path, match.start()))
    return tuple(
        EnvironmentName(name=name, kind=kind, places=tuple(places), function=function)
        for (name, kind), places in sorted(found.items())
    )


def _is_set_by_tools(kind: str, name: str) -> bool:
    return name in (_SET_BY_VITE if kind == "import.meta.env" else _SET_BY_NODE)


def server_secrets(names: Iterable[EnvironmentName]) -> tuple[str, ...]:
    """Give the names that an app's own server reads and its owner has to set."""
    read = (item for item in names if item.kind == "process.env" and not item.function)
    return tuple(
        sorted(
            {
                item.name
                for item in read
                if not _SUPPLIED.match(item.name) and any(not _NOT_SERVED.search(place.path) for place in item.places)
            }
        )
    )
