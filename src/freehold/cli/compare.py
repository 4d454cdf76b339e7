"""`freehold compare A B`: what is different between two releases."""

import json
from collections.abc import Iterator
from pathlib import Path

import click

from freehold.cli.options import data_option, json_option
from freehold.flows import comparing
from freehold.flows.targets import open_target
from freehold.releases import compare
from freehold.releases.compare import Comparison, Difference

SHOWN = 20
DIGEST_LENGTH = 40


@click.command("compare")
@click.argument("older", type=int)
@click.argument("newer", type=int)
@click.argument("path", required=False)
@data_option
@click.option("--to", metavar="NAME", help="The target; without it, this machine.")
@click.option("--all", "show_all", is_flag=True, help="Show every line of a long section.")
@json_option
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    older: int, newer: int, path: str | None, data: Path | None, to: str | None, show_all: bool, as_json: bool
) -> None:
    """Say what is different in release NEWER, against release OLDER. Secrets show their versions, never values."""
    found = comparing.of_numbers(open_target(to, path, data), older, newer)
    click.echo(json.dumps(compare.document(found)) if as_json else "\n".join(text(found, None if show_all else SHOWN)))


def text(found: Comparison, limit: int | None) -> Iterator[str]:
    """A comparison for people; sections without a difference are left out."""
    yield f"release {found.older} -> release {found.newer}"
    if found.same:
        yield "nothing is different"
    for name, section in found.sections.items():
        if section:
            yield f"{name}: {len(section.added)} new, {len(section.removed)} gone, {len(section.changed)} changed"
            lines = list(_lines(section))
            yield from lines[:limit]
            if limit is not None and len(lines) > limit:
                yield f"  ... and {len(lines) - limit} more (--all)"
    before, after = found.bundle_bytes
    if before != after or found.largest:
        kinds = ", ".join(f"{kind} {change:+,} B" for kind, change in found.largest.items())
        yield f"bundle: {before:,} B -> {after:,} B" + (f" ({kinds})" if kinds else "")


def _lines(section: Difference) -> Iterator[str]:
    for name, value in section.added.items():
        yield f"  + {name}{_value(value)}"
    for name, value in section.removed.items():
        yield f"  - {name}{_value(value)}"
    for name, (before, after) in section.changed.items():
        yield f"  ~ {name}" + (f": {before} -> {after}" if _value(before) or _value(after) else "")


def _value(value: str) -> str:
    """Digests tell a person nothing."""
    is_digest = len(value) >= DIGEST_LENGTH and all(sign in "0123456789abcdef" for sign in value)
    return "" if is_digest or not value else f": {value}"
