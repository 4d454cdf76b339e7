"""What `freehold move` shows of a report: results on stdout, what needs a look on stderr."""

import json
from collections.abc import Mapping
from typing import Any

import click

from freehold.cli import output
from freehold.flows import move_records

SHOWN_FILES = 5


def show(found: dict[str, Any], *, as_json: bool) -> None:
    """What of a database is here: objects, rows, users, files, and what is left for its owner to do."""
    if as_json:
        click.echo(json.dumps({"event": "moved"} | found))
        return
    tables, left = found["tables"], found["ledger"]["left"]
    differing = sum(not table["equal"] for table in tables)
    output.rows(
        {
            "From": str(found["source"]),
            "Objects": ", ".join(f"{count} {name}" for name, count in sorted(found["ledger"]["outcomes"].items())),
            "Accounted for": f"{found['ledger']['percent']:g} %",
            "Rows": f"{sum(table['rows_target'] for table in tables):,} in {len(tables)} tables, {differing} differ",
            "Users": ", ".join(f"{count} {kind}" for kind, count in sorted(found["users"].items())) or "none",
            "Files": f"{found['files']['fetched']}",
            "Old addresses": f"in {len(found.get('old_addresses') or [])} columns, functions and jobs",
            "Secrets to set": ", ".join(i["name"] for i in found.get("secrets") or [] if not i["set"]) or "none",
            **({"Answers": _answers(found["answers"])} if found.get("answers") else {}),
            "Report": str(found["page"]),
        }
    )
    for item in left:
        click.echo(f"{output.paint('left:', 'yellow')} {item['what']}: {item['why']}", err=True)
    if found.get("doubt"):
        click.echo(f"{output.paint('note:', 'yellow')} {found['doubt']}", err=True)


def _answers(checks: list[dict[str, Any]]) -> str:
    wrong = [item["name"] for item in checks if not item["ok"]]
    return f"{len(checks) - len(wrong)} of {len(checks)} as a user expects" + (
        f"; not {', '.join(wrong)}" if wrong else ""
    )


def show_records(found: Mapping[str, object]) -> None:
    """What of a Base44 app is here: records by entity, files, users."""
    moved = found["entities"]
    items = moved if isinstance(moved, list) else []
    output.rows({str(item["entity"]): f"{item['here']} of {item['there']} records" for item in items})
    _files(found["files"])
    click.echo(f"{found['users']} users came along; each first signs in by the link for a new password", err=True)


def _files(found: object) -> None:
    """How many uploaded files came along, and which did not."""
    if not isinstance(found, dict) or not found["found"]:
        return
    text = f"{found['moved']} of {found['found']} files came along, and {found['records']} records point at them here"
    click.echo(text, err=True)
    for address, why in list(found["gone"].items())[:SHOWN_FILES]:
        click.echo(f"not there any more, its link stays: {address}: {why}", err=True)
    if len(found["gone"]) > SHOWN_FILES:
        click.echo(f"and {len(found['gone']) - SHOWN_FILES} more, in {move_records.REPORT}", err=True)
