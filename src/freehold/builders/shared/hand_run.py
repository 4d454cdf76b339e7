"""The schema of an app that has no migrations: SQL files that its owner ran by hand in the builder's SQL editor."""

import posixpath
import re
from collections.abc import Iterable, Sequence

from freehold.builders.shared import schema
from freehold.builders.shared.checkout import Checkout
from freehold.core.inventory import MigrationFile, Unknown

_NUMBER = re.compile(r"^(\d+)[_.-]")
_ELSEWHERE = (".bolt/", "prisma/", "drizzle/", "node_modules/", "home/project/")
_ENABLED = re.compile(
    r"""alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?(?:"?public"?\.)?"?(\w+)"?\s+enable\s+row\s+level\s+security""",
    re.IGNORECASE | re.VERBOSE,
)


def files(checkout: Checkout, wanted: Iterable[str]) -> tuple[MigrationFile, ...]:
    """Find the files that create the tables `wanted`, and those that close them, in the order in which they run.

    The file that creates most of them is taken, then the one that creates most of the rest, until nobody creates more.
    A table that these leave without row security is closed by whatever other file turns it on: an app must not be more
    open here than its owner's SQL says.
    """
    created = {file: schema.tables_created((file,)) for file in _candidates(checkout)}
    missing = {name.lower() for name in wanted} | schema.tables_in_types(checkout)
    taken: list[MigrationFile] = []
    while created and created[best := max(created, key=lambda file: len(created[file] & missing))] & missing:
        taken.append(best)
        missing -= created[best]
    open_tables = set().union(*(created[file] for file in taken)) - set().union(*map(_closed, taken))
    taken += [file for file in created if file not in taken and _closed(file) & open_tables]
    return tuple(sorted(taken, key=lambda file: file.order))


def unknowns(found: Sequence[MigrationFile]) -> tuple[Unknown, ...]:
    """Say that the files were taken, and what that leaves open."""
    if not found:
        return ()
    one = len(found) == 1
    why = (
        f"the app has no migrations; its tables are made by {', '.join(file.path for file in found)}, which "
        f"{'was' if one else 'were'} run by hand: nothing records when, and what was changed since"
    )
    return (Unknown(what="the schema's history", why=why, hint="move the data from the live database"),)


def _candidates(checkout: Checkout) -> list[MigrationFile]:
    """List SQL files that differ, the higher folder first, so that of two that are as good the nearer one is taken."""
    paths = [path for path in checkout.below("", suffixes=(".sql",)) if not path.startswith(_ELSEWHERE)]
    found: dict[str, MigrationFile] = {}
    for path in sorted(paths, key=lambda path: (path.count("/"), path)):
        text = checkout.text(path)
        number = _NUMBER.match(posixpath.basename(path))
        found.setdefault(text.strip(), MigrationFile(path=path, version=number[1] if number else "", sql=text))
    return list(found.values())


def _closed(file: MigrationFile) -> set[str]:
    return {match[1].lower() for match in _ENABLED.finditer(file.sql)}
