"""Functions, and what calls them without a person asking."""

import posixpath
import re

from freehold.builders.shared import environment, jsonc, supabase_project
from freehold.builders.shared.checkout import Checkout
from freehold.core.inventory import Automation, EdgeFunction, Place

_ENTRIES = ("entry.ts", "entry.js", "index.ts", "index.js")
_CONFIGS = ("function.jsonc", "function.json")
_REMOTE = ("https://", "http://", "npm:", "jsr:", "node:", "base44:")
_AUTOMATIC = re.compile(r"^(?:BASE44_|DENO_)")
_SECRET = re.compile(r"""\bsecrets\s*\.\s*get\s*\(\s*["'](\w+)["']""")


def functions(checkout: Checkout, folder: str) -> tuple[EdgeFunction, ...]:
    """List the functions of all layouts by name. None asks for a caller by itself: the platform calls everyone in."""
    found = _in_folders(checkout, folder) | _at_the_root(checkout)
    return tuple(_function(checkout, name, entry) for name, entry in sorted(found.items()))


def automations(checkout: Checkout, folder: str) -> tuple[Automation, ...]:
    """List the automations that function.jsonc files declare; most apps have theirs in the account only."""
    found: list[Automation] = []
    for path in checkout.below(folder, suffixes=_CONFIGS):
        settings = jsonc.read(checkout.text(path)) or {}
        name = str(settings.get("name") or posixpath.basename(posixpath.dirname(path)))
        found += (_automation(item, name, path) for item in jsonc.tables(settings.get("automations")))
    return tuple(found)


def _automation(item: dict[str, object], function: str, path: str) -> Automation:
    return Automation(
        name=str(item.get("name", "")),
        kind=str(item.get("type", "")),
        function=function,
        detail=_detail(item),
        places=(Place(path=path, line=1),),
    )


def _in_folders(checkout: Checkout, folder: str) -> dict[str, str]:
    """Give entries by name: the path below the folder, or what function.jsonc says.

    A path of several parts is one name with two dashes for each slash, as it can stand in an address.
    """
    found: dict[str, str] = {}
    for path in checkout.below(folder):
        name, _, file = path.removeprefix(folder + "/").rpartition("/")
        if "." in name:  # notes that lie among the functions
            continue
        if name and file in _ENTRIES:
            found.setdefault(name.replace("/", "--"), path)
        elif name and file in _CONFIGS:
            settings = jsonc.read(checkout.text(path)) or {}
            entry = posixpath.normpath(posixpath.join(posixpath.dirname(path), str(settings.get("entry", ""))))
            if entry in checkout.known:
                found.pop(name.replace("/", "--"), None)
                found[str(settings.get("name") or name).replace("/", "--")] = entry
    return found


def _at_the_root(checkout: Checkout) -> dict[str, str]:
    """Give the functions of the older layout, one file each in functions/."""
    files = checkout.below("functions", suffixes=(".ts", ".js"))
    return {
        posixpath.basename(path).rpartition(".")[0]: path
        for path in files
        if path.count("/") == 1 and "Deno." in checkout.text(path)
    }


def _function(checkout: Checkout, name: str, entry: str) -> EdgeFunction:
    sources = supabase_project.local_closure(checkout, entry)
    names = {item.name for item in environment.scan(checkout, sources)}
    names |= {match for path in sources for match in _SECRET.findall(checkout.text(path))}
    imports = {item for path in sources for item in supabase_project.imports(checkout, path)}
    return EdgeFunction(
        name=name,
        entry=entry,
        verify_jwt=False,
        imports=tuple(sorted(item for item in imports if item.startswith(_REMOTE))),
        secrets=tuple(sorted(item for item in names if not _AUTOMATIC.match(item))),
    )


def _detail(item: dict[str, object]) -> str:
    if item.get("type") == "entity":
        return f"{item.get('entity_name', '')}: {', '.join(jsonc.texts(item.get('event_types')))}"
    if item.get("type") == "connector":
        return f"{item.get('integration_type', '')}: {', '.join(jsonc.texts(item.get('events'))) or 'all events'}"
    if item.get("cron_expression"):
        return str(item["cron_expression"])
    if item.get("one_time_date"):
        return f"once, {item['one_time_date']}"
    return f"every {item.get('repeat_interval', 1)} {item.get('repeat_unit', '')}".strip()
