"""Reads queries.sql: statements under `-- name:` headers."""

import re
from importlib import resources


def load() -> dict[str, str]:
    """Give every statement by its name, comments included."""
    text = resources.files("freehold.runtime.storage").joinpath("queries.sql").read_text()
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}


SQL = load()
