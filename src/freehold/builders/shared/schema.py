"""What the sources say of the database: migrations, the builder's generated types, and what both leave open."""

import re

from freehold.builders.shared.checkout import Checkout
from freehold.core.inventory import MigrationFile, Unknown
from freehold.kit import git

_VERSION = re.compile(r"^(\d+)[_-].*\.sql$")
"""Lovable wrote a dash behind the number until July 2025."""
_CREATE_TABLE = re.compile(
    r"""create\s+(?:or\s+replace\s+)?(?:unlogged\s+|materialized\s+|recursive\s+)?
    (?:table|view)\s+(?:if\s+not\s+exists\s+)?
    (?:"?public"?\.)?"?([A-Za-z_]\w*)"?\s*(?:\(|as\b|with\b|partition\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_BUCKET = re.compile(r"insert\s+into\s+storage\.buckets\b[^;]*;", re.IGNORECASE | re.DOTALL)
_TYPES_TABLE = re.compile(r"^      (\w+): \{;?$")
_SQL_TEXT = re.compile(r"'([^']+)'")
_PUBLISHED = re.compile(r"alter\s+publication\s+supabase_realtime\s+(?:add|set)\s+table\s+([^;]+)", re.IGNORECASE)


def migrations(checkout: Checkout) -> tuple[MigrationFile, ...]:
    """Read the migrations in the order of their numbers; files without a number are left to `unnumbered`."""
    found = []
    for path in checkout.below("supabase/migrations", suffixes=(".sql",)):
        name = path.removeprefix("supabase/migrations/")
        match = _VERSION.match(name)
        if match:
            found.append(MigrationFile(path=path, version=match[1], sql=checkout.text(path)))
    return tuple(sorted(found, key=lambda file: file.order))


def migration_unknowns(
    checkout: Checkout, files: tuple[MigrationFile, ...], used: tuple[str, ...]
) -> tuple[Unknown, ...]:
    """Say what the migrations folder cannot tell about the live database; `used` are the tables that code names."""
    found = []
    known = {file.path for file in files}
    stray = [path for path in checkout.below("supabase/migrations", suffixes=(".sql",)) if path not in known]
    if stray:
        found.append(
            Unknown(
                what="SQL files without a number",
                why=f"files in supabase/migrations have no number that says when they ran: {_few(stray)}",
                hint="give each one that did run a number in front of its name, such as 20260101000000_",
            )
        )
    found += _history_unknowns(checkout)
    missing = sorted((tables_in_types(checkout) | {name.lower() for name in used}) - tables_created(files))
    if missing:
        found.append(
            Unknown(
                what="tables without a migration",
                why=f"code or generated types name tables that no migration creates ({len(missing)}): {_few(missing)}",
                hint="move the data from the live database: its schema comes with it",
            )
        )
    return tuple(found)


def _history_unknowns(checkout: Checkout) -> list[Unknown]:
    if not checkout.is_repository:
        return [
            Unknown(
                what="deleted migrations",
                why="the app came without its git history, so migrations that were deleted cannot be seen",
                hint="give the git address instead, or move the data from the live database",
            )
        ]
    if git.is_shallow(checkout.root):
        return [
            Unknown(what="deleted migrations", why="the clone lacks older history", hint="run: git fetch --unshallow")
        ]
    deleted = [name for name in git.deleted_files(checkout.root, "supabase/migrations") if name.endswith(".sql")]
    if not deleted:
        return []
    why = f"migrations were deleted or renamed, and what they made may live on ({len(deleted)}): {_few(deleted)}"
    return [Unknown(what="deleted migrations", why=why, hint="move the data from the live database")]


def tables_created(files: tuple[MigrationFile, ...]) -> set[str]:
    """Name the tables and views of schema public that the files create, in lower case."""
    return {match[1].lower() for file in files for match in _CREATE_TABLE.finditer(file.sql)}


def tables_in_types(checkout: Checkout) -> set[str]:
    """Name the tables in the builder's generated types, its picture of the live database."""
    text = checkout.text("src/integrations/supabase/types.ts")
    if "  public: {" not in text:
        return set()
    public = text.split("  public: {", 1)[1]
    section = public.split("    Tables: {", 1)[-1].split("    Views: {", 1)[0]
    return {match[1].lower() for line in section.split("\n") if (match := _TYPES_TABLE.match(line))}


def buckets_created(files: tuple[MigrationFile, ...]) -> set[str]:
    """Name the storage buckets that the files create."""
    statements = (match[0] for file in files for match in _BUCKET.finditer(file.sql))
    return {text for statement in statements for text in _SQL_TEXT.findall(statement)}


def tables_published(files: tuple[MigrationFile, ...]) -> set[str]:
    """Name the tables that the files add to the realtime publication."""
    lists = (match[1] for file in files for match in _PUBLISHED.finditer(file.sql))
    return {
        name.strip().strip('"').removeprefix("public.").strip('"').lower() for text in lists for name in text.split(",")
    }


def _few(names: list[str], count: int = 5) -> str:
    shown = ", ".join(name.rsplit("/", 1)[-1] for name in names[:count])
    return shown + (f" and {len(names) - count} more" if len(names) > count else "")
