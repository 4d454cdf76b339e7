"""Which target a command is about: this machine, or one that stands in the file of targets.

The file is $XDG_CONFIG_HOME/freehold/targets.toml, one table a target. `freehold server add` writes it; it holds names
and addresses, never a secret.
"""

import importlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from freehold.core.errors import BadUsage, TargetUnknown
from freehold.core.target_name import LOCAL
from freehold.kit import toml

if TYPE_CHECKING:
    from freehold.core.target import Target

KINDS = {"server": "freehold.flows.server_target"}
"""Modules with a function `open_target(name, values) -> Target`, by the kind in the file."""
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
HEAD = """# Where `freehold deploy --to NAME` finds a target. `freehold server add` writes this file; you may edit it.
#
# [production]                      the name, for --to production
# kind = "server"                   a machine that is reached by SSH
# address = "root@203.0.113.7"      as you would type it after ssh
# app = "shop"                      the app's name there
# url = "https://shop.example.org"  where users find it
"""


class _Kind(Protocol):
    def open_target(self, name: str, values: dict[str, str]) -> "Target":
        """Open a target by its table."""

    def begin(self, name: str, values: dict[str, str]) -> None:
        """Begin to reach it, and do not wait."""


def open_target(to: str | None, path: str | None, data: Path | None) -> "Target":
    """Give the target that an owner names; without a name this machine's. Raises TargetUnknown or NotRunning."""
    if to is None or to == LOCAL:
        from freehold.flows import local_target  # noqa: PLC0415 - what is elsewhere is reached without it

        return local_target.open_at(path, data)
    kind, values = _find(to)
    return kind.open_target(to, values)


def begin(to: str) -> None:
    """Begin to reach a target that is elsewhere, and do not wait for it. Raises TargetUnknown."""
    kind, values = _find(to)
    kind.begin(to, values)


def _find(to: str) -> tuple[_Kind, dict[str, str]]:
    known = read()
    if to not in known:
        listing = ", ".join([LOCAL, *sorted(known)])
        raise TargetUnknown(
            f"there is no target {to!r}", detail=f"known: {listing}", hint="freehold server add USER@ADDRESS"
        )
    values = known[to]
    kind = KINDS.get(values.get("kind", ""))
    if kind is None:
        raise TargetUnknown(f"target {to} is of a kind that Freehold does not know", detail=str(file()))
    module: _Kind = importlib.import_module(kind)
    return module, values


def file() -> Path:
    """The file of targets."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "freehold" / "targets.toml"


def read() -> dict[str, dict[str, str]]:
    """Every target of the file; raises TargetUnknown when it cannot be understood."""
    try:
        tables = toml.read(file())
    except BadUsage as error:
        raise TargetUnknown("the file of targets cannot be read", detail=error.detail, hint=f"mend {file()}") from error
    wrong = [name for name, table in tables.items() if not isinstance(table, dict) or not NAME.fullmatch(name)]
    if wrong:
        raise TargetUnknown(f"{wrong[0]!r} is no target", detail=str(file()), hint="one table a target: [production]")
    return {name: {key: str(value) for key, value in dict(table).items()} for name, table in tables.items()}  # type: ignore[call-overload]


def add(name: str, values: dict[str, str]) -> None:
    """Write a target into the file, in place of one of the same name; what else stands there stays."""
    if not NAME.fullmatch(name) or name == LOCAL:
        raise BadUsage(f"{name!r} cannot be a target's name", detail="small letters, digits and dashes; not `local`")
    from freehold.kit import private  # noqa: PLC0415 - reading is to be quick

    path = file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = path.read_text(encoding="utf-8") if path.exists() else HEAD
    without = re.sub(rf"(?ms)^\[{re.escape(name)}\]\n.*?(?=^\[|\Z)", "", text)
    table = "".join(f"{key} = {_quoted(value)}\n" for key, value in values.items())
    private.replace(path, f"{without.rstrip()}\n\n[{name}]\n{table}".encode())


def _quoted(text: str) -> str:
    escaped = "".join(f"\\u{ord(sign):04x}" if sign < " " or sign in '"\\\x7f' else sign for sign in text)
    return f'"{escaped}"'
