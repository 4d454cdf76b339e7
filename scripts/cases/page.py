"""How the Lovable and Bolt cases came up: a section of docs/reference/real-apps.md, from tests/corpus/served.json."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests/corpus/served.json"
CAUSES = ROOT / "tests/corpus/causes.json"
PAGE = ROOT / "docs/reference/real-apps.md"
BEGIN, END = "<!-- served -->", "<!-- /served -->"
HEAD = """## What came up

The Lovable and Bolt cases, built with the package registry at hand and then, with no network but loopback, served by
`freehold up` and used in Chromium by `scripts/walk_real_apps.py`: a new person signs up through the app's own pages
where these offer it by password or e-mail code, signs out and in again, and opens every page that menus and links
lead to (at most 60). Nothing in the walk knows an app. Secrets that functions read are set to made-up values.

A case **counts** when it is built and served, that person got in, out and in again, no page was blank, and no request
of ours failed: no 404 for a table, column, function or file that the runtime owes, no 5xx of the runtime's own, no
refused WebSocket. Where every migration applied as it stands, a 400 for a column or a relation that the app asks for
is the app's; so is one for a column that the builder's own types of that table do not have. An answer of the app's
own function that says it lacks a secret or the network is the app's. A page that shows nothing when it is loaded alone
is opened by its link, as a person does. Where a sign-in page itself names the password that it takes, that one is used.
`options` are what `freehold up` itself said was needed: with `--fill-from-types` and `--fill-from-code` some tables are
stand-ins, with what the app's own history says about them, so such an app runs, without what only its live database
knows.

Two kinds are counted apart. **By hand**: the app calls a database function that no SQL in its repository's whole
history makes, so only its live database has it; such a call fails here, and the case counts if nothing else does.
**Firebase**: the app keeps its people there, which Freehold does not serve and the walk cannot reach; the walk answers
for Google then.

Errors in an app's own scripts do not fail a case as long as its pages show something. React's #418 (a page that was
rendered by the server and is another one in the browser) comes in some server-rendered apps whose first page sends one
on before it is taken over; it comes as well where Node alone runs the app's server.
"""


def counts(case: Mapping[str, Any]) -> bool:
    """Whether a case counts, by what was seen alone."""
    if not case.get("served"):
        return False
    sign_up = case["sign_up"]
    through = not sign_up["offered"] or (sign_up["done"] and case.get("sign_out") and case.get("sign_in"))
    blank = any(page["blank"] for page in (*case["public_pages"], *case["pages"]))
    return bool(through) and not blank and not _failures(case)


def _failures(case: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Requests of ours that failed.

    Where every migration applied as it stands, a 400 for a column or a relation is the app's: nothing is missing.
    """
    return [fault for fault in case["faults"] if fault["ours"] and not (fault["status"] == 400 and not case["mode"])]


def _apart(case: Mapping[str, Any]) -> str:
    """Which of the two kinds that are counted apart a case is of, in words; "" for neither."""
    names = {fault["request"].rpartition("/")[2] for fault in case.get("faults", ()) if fault.get("nowhere")}
    by_hand = f"by hand: `{'`, `'.join(sorted(names))}`" if names else ""
    return "; ".join(filter(None, (by_hand, "Firebase" if case.get("firebase") else "")))


def section() -> list[str]:
    """The lines of the section."""
    data: dict[str, dict[str, Any]] = json.loads(DATA.read_text())
    causes: dict[str, str] = json.loads(CAUSES.read_text())
    good = [name for name, case in data.items() if counts(case)]
    plain = [name for name in good if "--fill" not in data[name]["mode"]]
    apart = [name for name in good if _apart(data[name])]
    functions = [case["functions"] for case in data.values() if case.get("served")]
    named, starting = (sum(item[key] for item in functions) for key in ("named", "starting"))
    tables = [case["tables"] for case in data.values() if case.get("served")]
    answering, asked = (sum(item[key] for item in tables) for key in ("answering", "named"))
    return [
        BEGIN,
        HEAD,
        f"- **{len(good)} of {len(data)}** cases count, {len(plain)} of them without a stand-in table.",
        f"- **{len(good) - len(apart)}** of them without the two kinds that are counted apart.",
        f"- **{starting} of {named}** edge functions start ({starting / max(1, named):.1%}).",
        f"- **{answering} of {asked}** tables that code names answer.",
        "",
        "| app | counts | options | pages | sign-up | out, in | tables | functions | sockets | why not; apart |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(name, case, causes) for name, case in data.items()),
        "",
        "### Functions that do not start",
        "",
        *(_functions(data) or ["None."]),
        "",
        END,
    ]


def put(text: str) -> str:
    """The page with its section made anew; at the end where it has none."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return before.rstrip() + "\n\n" + "\n".join(section()) + "\n" + (after.lstrip("\n") and "\n" + after.lstrip("\n"))


def _row(name: str, case: Mapping[str, Any], causes: Mapping[str, str]) -> str:
    why = _apart(case) if counts(case) else causes.get(name) or _seen(case)
    if not case.get("served"):
        return f"| {name} | no | | | | | | | | {why} |"
    sign_up = case["sign_up"]
    offered = "not offered" if not sign_up["offered"] else "yes" if sign_up["done"] else "no"
    if any("mail page" in note for note in case.get("notes", ())):
        offered += ", by mail"
    again = f"{_word(case.get('sign_out'))}, {_word(case.get('sign_in'))}" if sign_up["done"] else ""
    pages = len({page["path"] for page in (*case["public_pages"], *case["pages"])})
    tables = f"{case['tables']['answering']} / {case['tables']['named']}"
    functions = f"{case['functions']['starting']} / {case['functions']['named']}"
    options = case["mode"] or "none"
    yes = _word(counts(case))
    seen = (name, yes, options, str(pages), offered, again, tables, functions, str(case["sockets"]), why)
    return f"| {' | '.join(seen)} |"


def _word(value: object) -> str:
    return "yes" if value else "no"


def _seen(case: Mapping[str, Any]) -> str:
    if not case.get("served"):
        return str(case.get("error", "")).split("\n")[0][:160].replace("|", "/")
    if case["sign_up"]["offered"] and not (case["sign_up"]["done"] and case.get("sign_out") and case.get("sign_in")):
        return "the walk did not find its way in, out and in again"
    faults = sorted({f"{fault['status']} {fault['request']}"[:110] for fault in _failures(case)})
    return "; ".join(faults[:3]).replace("|", "/") + (f" and {len(faults) - 3} more" if len(faults) > 3 else "")


def _functions(data: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = []
    for name, case in data.items():
        found = case.get("functions", {"not_vendored": {}, "silent": {}})
        for function, why in found["not_vendored"].items():
            lines.append(f"- {name}: {why.removeprefix(f'The function {function} cannot start: ')} ({function})")
        lines += [f"- {name}: {function} ends while it is loaded" for function in found["silent"]]
    return lines
