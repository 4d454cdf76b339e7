"""A move as one self-contained HTML page: no scripts, nothing loaded, and no value of any row but a differing key."""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

from freehold import __version__

Document = Mapping[str, Any]


STYLES = ("check_report.css", "move_report.css")
SHORT = 6
"""A word of so many letters is not broken on a phone."""
_NUMBER = re.compile(r"[\d,]*")


def page(document: Document) -> str:
    """Give the page for the report's document."""
    style = "".join(resources.files(__package__).joinpath(name).read_text(encoding="utf-8") for name in STYLES)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">\n<meta name="color-scheme" content="light dark">',
            f"<title>Move report</title>\n<style>{style}</style>\n</head>\n<body>\n<main>",
            *_body(document),
            "</main>",
            f"<footer>Freehold {escape(__version__)}, {escape(str(document['compared_at']))}</footer>",
            "</body>\n</html>\n",
        )
    )


def _body(document: Document) -> Iterator[str]:
    equal = bool(document["equal"])
    rows = sum(table["rows_target"] for table in document["tables"])
    differing = sum(not table["equal"] for table in document["tables"])
    found = document["ledger"]
    yield f"<h1>{_heading(document)}</h1>"
    yield f"<p>From {escape(str(document['source']))} to <code>{escape(str(document['target']))}</code>.</p>"
    yield _tally(
        {
            "tables differ": f"{differing} of {len(document['tables'])}",
            "rows compared": f"{rows:,}",
            "of the source accounted for": f"{found['percent']:g} %",
            "files": f"{document['files']['fetched']:,}",
            "users": f"{sum(document['users'].values()):,}",
        },
        equal=equal,
    )
    if document.get("doubt"):
        live = "While the old database is there, <code>freehold move verify --from -</code> compares with it"
        yield f"<p><b>What could not be checked:</b> {escape(str(document['doubt']))}. {live}.</p>"
    if document["faults"]:
        yield "<h2>What is not as at the source</h2>"
        yield _list(document["faults"])
    yield from _ledger(found)
    yield from _after(document)
    yield from _counts(document)
    yield from _tables(document)


def _heading(document: Document) -> str:
    if not document["equal"]:
        return "Not everything arrived"
    left = len(document["ledger"]["left"])
    return f"Everything arrived but what is named below: {left}" if left else "Everything arrived"


def _ledger(found: Document) -> Iterator[str]:
    yield "<h2>What became of every object</h2>"
    words = {
        "moved": "moved",
        "replaced": "replaced by Freehold's own",
        "left": "could not be moved",
        "failed": "failed",
    }
    outcomes = found["outcomes"]
    yield _table(("", "objects"), [(words.get(name, name), f"{count:,}") for name, count in sorted(outcomes.items())])
    if found["left"]:
        yield "<h2>Could not be moved, and why</h2>"
        yield _table(("what", "why"), [(item["what"], item["why"]) for item in found["left"]])
    if found["notes"]:
        yield "<h2>Moved, with a note</h2>"
        yield _table(("what", "note"), [(item["what"], item["note"]) for item in found["notes"]])


def _after(document: Document) -> Iterator[str]:
    """What is left for the owner to do."""
    secrets, old = document.get("secrets") or [], document.get("old_addresses") or []
    if secrets:
        yield "<h2>Secrets that the app reads</h2><p>Names only. What the builder held should be made anew.</p>"
        yield _table(
            ("name", "read by", "set here", "make anew"),
            [
                (
                    item["name"],
                    ", ".join(item["read_by"]),
                    "yes" if item["set"] else "NO",
                    "yes" if item["rotate"] else "",
                )
                for item in secrets
            ],
        )
    if document.get("answers"):
        yield "<h2>Asked as a user would</h2>"
        answers = [(item["name"], item["detail"], "yes" if item["ok"] else "NO") for item in document["answers"]]
        yield _table(("", "", "as expected"), answers)
    if old:
        yield "<h2>Old addresses</h2><p>Signed addresses end with the old project: they have to be signed again.</p>"
        yield _table(
            ("where", "kind", "rows", "of these signed"),
            [(item["place"], item["kind"], f"{item['rows']:,}", f"{item['signed']:,}") for item in old],
        )
    yield "<h2>Users by how their password is kept</h2>"
    meaning = {"encrypted": "encrypted with the old server's key: these users sign in by mail", "none": "no password"}
    yield _table(
        ("", "users"), [(meaning.get(kind, kind), f"{count:,}") for kind, count in sorted(document["users"].items())]
    )


def _counts(document: Document) -> Iterator[str]:
    yield "<h2>Counts</h2>"
    rows = [(item["name"], f"{item['source']:,}", f"{item['target']:,}") for item in document["counts"]]
    if "edge_functions" in document:
        rows.append(("edge_functions", "", f"{document['edge_functions']:,}"))
    yield _table(("", "at the source", "here"), rows)
    lagging = sum(item["lags"] for item in document["sequences"])
    keys = document["foreign_keys"]
    yield f"<p>{len(document['sequences'])} sequences, {lagging} lag behind. "
    yield f"{keys['checked']} foreign keys looked through, {len(keys['broken'])} with rows that point to nothing.</p>"


def _tables(document: Document) -> Iterator[str]:
    yield "<h2>Every table</h2>"
    rows = [
        (
            table["name"],
            f"{table['rows_source']:,}",
            f"{table['rows_target']:,}",
            "equal" if table["equal"] else _difference(table),
        )
        for table in document["tables"]
        if table["rows_source"] or table["rows_target"]
    ]
    yield _table(("table", "rows at the source", "rows here", ""), rows)
    yield f"<p>{len(document['tables']) - len(rows)} more tables are empty at both ends.</p>"


def _difference(table: Document) -> str:
    there, here = ", ".join(table["only_source"][:5]), ", ".join(table["only_target"][:5])
    return "DIFFERS" + (f"; only there: {there}" if there else "") + (f"; only here: {here}" if here else "")


def _tally(figures: Mapping[str, str], *, equal: bool) -> str:
    tone = "low" if equal else "critical"
    items = "".join(f'<li class="{tone}"><b>{escape(value)}</b> {escape(name)}</li>' for name, value in figures.items())
    return f'<ul class="tally">{items}</ul>'


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body, numbers = "", [True] * len(head)
    for row in rows:
        kinds = [_NUMBER.fullmatch(cell) is not None for cell in row]
        numbers = [is_number and known for is_number, known in zip(kinds, numbers, strict=True)]
        body += "<tr>" + "".join(_cell("td", *cell) for cell in zip(row, kinds, strict=True)) + "</tr>"
    cells = "".join(_cell("th", *cell) for cell in zip(head, numbers, strict=True))
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _cell(tag: str, text: str, is_number: bool) -> str:
    kind = " class=number" if is_number else " class=word" if len(text) <= SHORT else ""
    return f"<{tag}{kind}>{escape(text)}</{tag}>"
