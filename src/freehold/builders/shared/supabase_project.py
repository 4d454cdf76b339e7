"""The supabase/ folder: config.toml and the edge functions."""

import posixpath
import re

from freehold.builders.shared import environment
from freehold.builders.shared.checkout import CODE_SUFFIXES, Checkout
from freehold.builders.shared.code import without_comments
from freehold.core.errors import BadUsage
from freehold.core.inventory import EdgeFunction, Unknown
from freehold.kit import toml

CONFIG = "supabase/config.toml"
_IMPORT = re.compile(
    r"""(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s*|\brequire\s*\(\s*)(?P<quote>["'`])(?P<name>[^"'`\n$]+)(?P=quote)"""
)
_REMOTE = ("https://", "http://", "npm:", "jsr:", "node:")
_AUTOMATIC = re.compile(r"^(?:SUPABASE_|SB_|DENO_)")
_ENTRIES = ("index.ts", "index.tsx", "index.js", "index.mjs", "index.jsx")
_TEMPLATE_DEFAULTS: dict[str, object] = {"verify_jwt": True, "enabled": True}


def settings(checkout: Checkout) -> tuple[dict[str, object], tuple[Unknown, ...]]:
    """Read supabase/config.toml; ({}, ()) when there is none.

    Builders accept files that are not TOML (a function's table that stands twice, most often). Such a file is read
    table by table, and what it says in two ways, or what cannot be read, comes back as unknown.
    """
    text = checkout.text(CONFIG)
    try:
        return toml.parse(text, CONFIG), ()
    except BadUsage as error:
        blocks, problems = toml.parse_blocks(text)
        values: dict[str, object] = {}
        for header, tables in blocks.items():
            _put(values, [part.strip().strip('"') for part in header.split(".")] if header else [], _merge(tables))
        said = "; ".join((error.detail, *problems))
        why = f"it is not valid TOML ({said}); read table by table; where it says two things the stricter holds"
        return values, (Unknown(what=CONFIG, why=why, hint=f"correct {CONFIG}"),)


def _put(values: dict[str, object], path: list[str], table: dict[str, object]) -> None:
    for name in path:
        inner = values.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        values = inner
    values.update(table)


def _merge(tables: list[dict[str, object]]) -> dict[str, object]:
    merged = {name: value for table in tables for name, value in table.items()}
    if len({table["verify_jwt"] for table in tables if isinstance(table.get("verify_jwt"), bool)}) > 1:
        merged["verify_jwt"] = True
    return merged


def without_defaults(values: dict[str, object]) -> dict[str, object]:
    """Leave out what says the same as saying nothing, and functions that are left with nothing."""
    functions = {
        name: {key: item for key, item in table.items() if _TEMPLATE_DEFAULTS.get(key, ...) != item}
        for name, table in toml.table(values, "functions").items()
        if isinstance(table, dict)
    }
    rest = {name: value for name, value in values.items() if name != "functions"}
    kept = {name: table for name, table in functions.items() if table}
    return rest | ({"functions": kept} if kept else {})


def functions(checkout: Checkout, values: dict[str, object]) -> tuple[EdgeFunction, ...]:
    """Read the edge functions that would be deployed; `values` is config.toml."""
    folders = sorted({path.split("/")[2] for path in checkout.below("supabase/functions") if path.count("/") > 2})  # noqa: PLR2004 - supabase/functions/<name>/<file>
    names = [name for name in folders if not name.startswith((".", "_"))]
    found = (_function(checkout, name, toml.table(values, "functions", name)) for name in names)
    return tuple(function for function in found if function is not None)


def _function(checkout: Checkout, name: str, options: dict[str, object]) -> EdgeFunction | None:
    folder = f"supabase/functions/{name}"
    configured = str(options.get("entrypoint", ""))
    candidates = (
        [posixpath.normpath(f"supabase/{configured}")] if configured else [f"{folder}/{file}" for file in _ENTRIES]
    )
    entry = next((path for path in candidates if path in checkout.known), "")
    if not entry or options.get("enabled") is False:
        return None
    sources = local_closure(checkout, entry)
    return EdgeFunction(
        name=name,
        entry=entry,
        verify_jwt=options.get("verify_jwt") is not False,
        import_map=_import_map(checkout, folder, options),
        imports=tuple(
            sorted({item for path in sources for item in imports(checkout, path) if item.startswith(_REMOTE)})
        ),
        secrets=tuple(
            sorted({item.name for item in environment.scan(checkout, sources) if not _AUTOMATIC.match(item.name)})
        ),
    )


def _import_map(checkout: Checkout, folder: str, options: dict[str, object]) -> str:
    configured = str(options.get("import_map", ""))
    if configured:
        return posixpath.normpath(f"supabase/{configured}")
    candidates = (
        f"{folder}/deno.json", f"{folder}/deno.jsonc", f"{folder}/import_map.json",
        "supabase/functions/deno.json", "supabase/functions/deno.jsonc", "supabase/functions/import_map.json",
    )  # fmt: skip
    return next((path for path in candidates if path in checkout.known), "")


def local_closure(checkout: Checkout, entry: str) -> tuple[str, ...]:
    """List a file and the files of the app that it imports, directly or not."""
    seen: dict[str, None] = {}
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        if path in seen or path not in checkout.known:
            continue
        seen[path] = None
        waiting += [
            posixpath.normpath(posixpath.join(posixpath.dirname(path), item))
            for item in imports(checkout, path)
            if item.startswith(".")
        ]
    return tuple(seen)


def imports(checkout: Checkout, path: str) -> tuple[str, ...]:
    """List the specifiers a file imports, as written."""
    if not path.endswith(CODE_SUFFIXES):
        return ()
    return tuple(match["name"] for match in _IMPORT.finditer(without_comments(checkout.text(path))))
