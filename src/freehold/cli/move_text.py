"""What `freehold move` shows of a report: results on stdout, what needs a look on stderr."""

import json
from typing import Any

import click

from freehold.cli import output

SHOWN = 30
_KINDS = {"none": "without a password", "encrypted": "encrypted, who sign in by mail"}
_KINDS_OF_RECORDS = {"none": "without a password: each first signs in by the link of a forgotten one"}


def show(found: dict[str, Any], *, as_json: bool) -> None:
    """What of a database is here: objects, rows, users, files, and what is left for its owner to do."""
    if as_json:
        click.echo(json.dumps({"event": "moved"} | found))
        return
    tables, left = found["tables"], found["ledger"]["left"]
    kinds = _KINDS if "old_addresses" in found else _KINDS_OF_RECORDS
    differing = sum(not table["equal"] for table in tables)
    output.rows(
        {
            "From": str(found["source"]),
            "Objects": ", ".join(f"{count} {name}" for name, count in sorted(found["ledger"]["outcomes"].items())),
            "Accounted for": f"{found['ledger']['percent']:g} %",
            "Rows": f"{sum(table['rows_target'] for table in tables):,} in {len(tables)} tables, {differing} differ",
            "Users": ", ".join(f"{count} {kinds.get(kind, kind)}" for kind, count in sorted(found["users"].items()))
            or "none",
            "Files": f"{found['files']['fetched']}",
            **_old_addresses(found),
            "Secrets to set": ", ".join(i["name"] for i in found.get("secrets") or [] if not i["set"]) or "none",
            **({"Answers": _answers(found["answers"])} if found.get("answers") else {}),
            "Report": str(found["page"]),
        }
    )
    for item in left[:SHOWN]:
        click.echo(f"{output.paint('left:', 'yellow')} {item['what']}: {item['why']}", err=True)
    if len(left) > SHOWN:
        click.echo(f"{output.paint('left:', 'yellow')} and {len(left) - SHOWN} more, in the report", err=True)
    if found.get("doubt"):
        click.echo(f"{output.paint('note:', 'yellow')} {found['doubt']}", err=True)


def _old_addresses(found: dict[str, Any]) -> dict[str, str]:
    """Nothing where nobody looked for any."""
    old = found.get("old_addresses")
    return {} if old is None else {"Old addresses": f"in {len(old)} columns, functions and jobs"}


def _answers(checks: list[dict[str, Any]]) -> str:
    wrong = [item["name"] for item in checks if not item["ok"]]
    return f"{len(checks) - len(wrong)} of {len(checks)} as a user expects" + (
        f"; not {', '.join(wrong)}" if wrong else ""
    )
