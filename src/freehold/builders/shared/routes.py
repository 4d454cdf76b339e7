"""The pages of a front end, as far as its routes are written down."""

import re

from freehold.builders.shared import tanstack
from freehold.builders.shared.checkout import CODE_SUFFIXES, Checkout
from freehold.builders.shared.code import without_comments

_ROUTE = re.compile(r"""<(?:\w*Route)\b[^>]*?\bpath\s*=\s*\{?\s*["'`]([^"'`\n$]*)["'`]""", re.DOTALL)
_OBJECT = re.compile(
    r"""\bpath\s*:\s*["'`](/?[\w:*/.$-]*)["'`]\s*,\s*(?:element|Component|lazy|loader|children|component)\b"""
)
_GROUP = re.compile(r"^\(.*\)$")
_FILE_ROUTE = re.compile(r"""createFileRoute\s*\(\s*["'`]([^"'`\n]+)["'`]""")


def pages(checkout: Checkout, root: str) -> tuple[str, ...]:
    """List the routes below `root`, sorted: React Router elements and objects, and TanStack file routes.

    Routes that answer themselves and show no page are server routes: see tanstack.py.
    """
    found: set[str] = set()
    for path in checkout.below((root and f"{root}/src") or "src", suffixes=CODE_SUFFIXES):
        text = checkout.text(path)
        if "Route" not in text and "createBrowserRouter" not in text:
            continue
        if tanstack.is_only_a_route(text):
            continue
        code = without_comments(text)
        for pattern in (_ROUTE, _OBJECT):
            found.update(match[1] for match in pattern.finditer(code))
        found.update(page for match in _FILE_ROUTE.finditer(code) if (page := _address(match[1])))
    return tuple(sorted(path if path.startswith(("/", "*")) else f"/{path}" for path in found))


def _address(route: str) -> str:
    """Give the address of a TanStack route; "" for a layout, which is a segment that begins with an underscore.

    An underscore at a segment's end takes the page out of its parent's layout, and (groups) are folders only.
    """
    segments = route.split("/")
    if segments[-1].startswith("_") or _GROUP.match(segments[-1]):
        return ""
    kept = [part.removesuffix("_") for part in segments if not part.startswith("_") and not _GROUP.match(part)]
    return "/".join(kept) or "/"
