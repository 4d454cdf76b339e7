"""A function with its owner's rights that changes data for callers it never asks about."""

import re
from collections.abc import Iterator

from freehold.audit import catalogue
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="definer-function-open",
    family="FH-A06",
    title="A SECURITY DEFINER function changes data for anybody",
    severity="high",
    confidence="likely",
    impact="Anybody with the public key can call it: it passes over row security and never asks who calls.",
    fix="Compare with auth.uid() inside, or take the right to execute it from anon and authenticated.",
    owasp="A01:2025",
    asvs=("8.3.1",),
    needs="database",
    silent="trigger functions, functions that read only, functions that ask auth.uid(), auth.jwt(), "
    "auth.role(), session settings, or a helper that does; counters that only add one; functions that only "
    "bring rows in line with others; functions that fail at each call, because a table or column of theirs is missing "
    "from the schema and from the generated types",
)
_WRITES = re.compile(
    r"\b(insert\s+into|update\s+(?:only\s+)?[\w.\"]+\s+(?:as\s+\w+\s+)?set|delete\s+from|truncate)\b", re.IGNORECASE
)
_ASKS = re.compile(
    r"auth\s*\.\s*(uid|jwt|role|email)\s*\(|current_setting|session_user|current_user|_token\b|token_|pin\b",
    re.IGNORECASE,
)
_UPKEEP = re.compile(r"clean|expire|purge|refresh|cron|prune|archive|recalc|_due\b", re.IGNORECASE)
_DERIVED = re.compile(r"^_?(sync|seed|backfill|recount|recomput|rebuild)", re.IGNORECASE)
_IDS = frozenset({"uuid", "integer", "bigint"})
_COUNTER = re.compile(r"set\s+(\w+)\s*=\s*(?:coalesce\s*\(\s*)?(?:\w+\.){0,2}\1\b[^;]*\+\s*1\b", re.IGNORECASE)
_TARGET = re.compile(
    r"\b(?:insert\s+into|delete\s+from|truncate(?:\s+table)?|update(?:\s+only)?)\s+(?P<schema>\"?\w+\"?\.)?\"?(?P<name>\w+)\"?"
    r"(?:\s+(?:as\s+)?\w+)??(?:\s+set\s+\"?(?P<column>\w+)\"?\s*=)?",
    re.IGNORECASE,
)
_NEEDED = re.compile(
    r"\b(?<!distinct )(?:from|join|update|insert\s+into)\s+(?:\"?public\"?\.)?\"?(?P<name>[a-z_]\w*)\"?"
    r"(?![\w\"]|\s*[.(])",
    re.IGNORECASE,
)
_INSIDE_CALL = re.compile(r"(?:extract|trim|substring|overlay|position)\s*\([^()]*$", re.IGNORECASE)
_TYPES = re.compile(r"(^|/)(?:types|database|supabase|database\.types)\.ts$")


def check(facts: Facts) -> Iterator[Finding]:
    """Functions that anon may execute are the worst; for signed-in users the same is medium."""
    asking = {row["name"] for row in catalogue.functions(facts) if _ASKS.search(row["body"])}
    for row in catalogue.functions(facts):
        body = re.sub(r"--[^\n]*|/\*.*?\*/", "", row["body"], flags=re.DOTALL)
        if not row["definer"] or row["is_trigger"] or not row["user_execute"] or not _WRITES.search(body):
            continue
        if (
            row["name"] in asking
            or _UPKEEP.search(row["name"])
            or _COUNTER.search(body)
            or _only_derives(row, body)
            or _cannot_run(facts, body)
            or _calls_one(body, asking, row["name"])
        ):
            continue
        signature = f"public.{catalogue.quoted(row['name'])}({row['arguments']})"
        yield card.finding(
            catalogue.proof("function", f"{row['name']}({row['arguments']})", "writes, and never asks who calls"),
            title=f"Function {row['name']} changes data for anybody who calls it",
            severity="high" if row["anon_execute"] and row["arguments"] else "medium",
            confidence=catalogue.certainty(facts, row["name"], "likely"),
            change=f"revoke execute on function {signature} from public, anon, authenticated;",
        )


def _only_derives(row: catalogue.Row, body: str) -> bool:
    """Whether it copies what other rows say: its caller chooses a row, never what is written, and deletes nothing."""
    kinds = {part.strip().rsplit(" ", 1)[-1] for part in row["arguments"].split(",") if part.strip()}
    return (
        bool(_DERIVED.search(row["name"]))
        and kinds <= _IDS
        and not re.search(r"\bdelete\s+from\b", body, re.IGNORECASE)
    )


def _cannot_run(facts: Facts, body: str) -> bool:
    """Whether the first table it needs, or each that it writes, is in neither the schema nor the generated types."""
    writes = [match for match in _TARGET.finditer(body) if (match["schema"] or "public.").strip('".') == "public"]
    known = "\n".join(facts.text(path) for path in facts.files if _TYPES.search(path))
    first = next((item["name"] for item in _NEEDED.finditer(body) if not _INSIDE_CALL.search(body[: item.start()])), "")
    is_own = re.search(rf"\b{first}\s+as\s*(?:not\s+)?(?:materialized\s*)?\(|\bfor\s+{first}\b", body, re.IGNORECASE)
    if first and not is_own and _is_missing(facts, first, "", known):
        return True
    return bool(writes) and all(_is_missing(facts, match["name"], match["column"] or "", known) for match in writes)


def _is_missing(facts: Facts, table: str, column: str, known: str) -> bool:
    table, column = table.lower(), column.lower()
    row = catalogue.table(facts, table)
    if row is None:
        views = {view["name"] for view in catalogue.views(facts)}
        return table not in views and not re.search(rf"\b{re.escape(table)}\b", known)
    return bool(column) and column not in row["columns"] and not re.search(rf"\b{re.escape(column)}\b", known)


def _calls_one(body: str, names: set[str], own: str) -> bool:
    return any(name != own and re.search(rf"\b{re.escape(name)}\s*\(", body) for name in names)
