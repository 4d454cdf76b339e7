"""The [auth] table of supabase/config.toml with what it refers to put in: secrets by `env(NAME)`, templates by path."""

import re
from collections.abc import Callable
from pathlib import Path

_REFERENCE = re.compile(r"env\(([A-Za-z_][A-Za-z0-9_]*)\)")
Look = Callable[[str], object]
"""Gives what stands for a secret, a mark or its value; None when it is not set."""


def resolved(table: object, look: Look, root: Path) -> dict[str, object]:
    """Give the table as the runtime reads it; a value whose secret is not set is left out, as if it were not there.

    `root` is the app's folder: a template outside it is not read.
    """
    if not isinstance(table, dict):
        return {}
    found: dict[str, object] = {}
    for name, value in table.items():
        if name == "content_path":
            content = _template(str(value), root)
            found |= {} if content is None or "content" in table else {"content": content}
        elif isinstance(value, dict):
            found[name] = resolved(value, look, root)
        else:
            plain = _value(value, look)
            found |= {} if plain is None else {name: plain}
    return found


def _value(value: object, look: Look) -> object:
    reference = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    if reference is None:
        return value
    return look(reference[1])


def _template(path: str, root: Path) -> str | None:
    """Paths are relative to the project, as the Supabase CLI reads them."""
    file = (root / path).resolve()
    if not file.is_relative_to(root.resolve()) or not file.is_file():
        return None
    return file.read_text(errors="replace")
