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
    "auth.role(), session settings, or a helper that does; counters that only add one",
)
_WRITES = re.compile(
    r"\b(insert\s+into|update\s+(?:only\s+)?[\w.\"]+\s+(?:as\s+\w+\s+)?set|delete\s+from|truncate)\b", re.IGNORECASE
)
_ASKS = re.compile(
    r"auth\s*\.\s*(uid|jwt|role|email)\s*\(|current_setting|session_user|current_user|_token\b|token_|pin\b",
    re.IGNORECASE,
)
_UPKEEP = re.compile(r"clean|expire|purge|refresh|cron|prune|archive|recalc|_due\b", re.IGNORECASE)
_COUNTER = re.compile(r"set\s+(\w+)\s*=\s*(?:coalesce\s*\(\s*)?(?:\w+\.)?\1\b[^;]*\+\s*1\b", re.IGNORECASE)


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


def _calls_one(body: str, names: set[str], own: str) -> bool:
    return any(name != own and re.search(rf"\b{re.escape(name)}\s*\(", body) for name in names)
