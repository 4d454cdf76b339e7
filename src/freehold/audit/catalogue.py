"""The replayed schema as rules ask for it, and how policies read."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from freehold.core.finding import Confidence, Proof
from freehold.core.ports import Facts

Row = Mapping[str, Any]
ANYONE = frozenset({"public", "anon"})
SIGNED_IN = frozenset({"authenticated"})
_TRUE = re.compile(r"^\(*\s*(true|1 = 1|'t'::boolean|not false)\s*\)*$", re.IGNORECASE)
_ANY_USER = re.compile(
    r"^\(*\s*("
    r"\(?\s*(?:select\s+)?auth\.role\(\)(?:\s+as\s+\w+)?\s*\)?\s*\)?\s*=\s*'authenticated'(::text)?"
    r"|\(?\s*\(?\s*(?:select\s+)?auth\.uid\(\)(?:\s+as\s+\w+)?\s*\)?\s*\)?\s+is\s+not\s+null"
    r")\s*\)*$",
    re.IGNORECASE,
)
PERSONAL = re.compile(
    r"^(email|e_mail|\w+_email|email_address|phone|phone_number|mobile|\w+_phone|whatsapp|address|street|home_address"
    r"|date_of_birth|birth_date|birthdate|dob|ssn|national_id|passport\w*|tax_id|iban|card_number|ip_address|salary"
    r"|latitude|longitude|medical\w*|diagnosis)$",
    re.IGNORECASE,
)
SECRET = re.compile(
    r"^(password|password_hash|passwd|pin|pin_code|secret|\w+_secret|api_key|\w+_api_key|access_token|refresh_token"
    r"|\w*session_token|private_key|otp|otp_code|reset_token|totp_secret|auth_token)$",
    re.IGNORECASE,
)
POWERS = re.compile(
    r"^(role|roles|user_role|is_admin|is_superadmin|is_super_admin|admin|is_staff|is_moderator|credits?|credit_balance"
    r"|balance|wallet_balance|coins|plan|plan_id|tier|subscription_\w+|is_premium|is_pro|is_paid|premium|is_verified"
    r"|verified|permissions|account_type|trial_ends_at|quota|usage_limit)$",
    re.IGNORECASE,
)

SHOWN = re.compile(
    r"avatar|logo|banner|icon|image|photo|gallery|public|asset|cover|media|thumb|product|blog", re.IGNORECASE
)
"""Buckets whose names say that their files are meant to be seen by others."""

_LAST_HAND = re.compile(r"(updat|modif|chang|approv|review|verif|delet|edit|alter|atualiz|actualiz)\w*", re.IGNORECASE)


@cache
def _statement(name: str) -> str:
    return resources.files("freehold.audit.sql").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def tables(facts: Facts) -> tuple[Row, ...]:
    """Tables of schema public."""
    return facts.rows(_statement("tables"))


def policies(facts: Facts, schema: str = "public") -> tuple[Row, ...]:
    """Policies of a schema's tables that have row security on."""
    return tuple(row for row in facts.rows(_statement("policies")) if row["schema"] == schema and row["row_security"])


def functions(facts: Facts) -> tuple[Row, ...]:
    """Functions of schema public that are not an extension's."""
    return facts.rows(_statement("functions"))


def views(facts: Facts) -> tuple[Row, ...]:
    """Views and materialized views of schema public."""
    return facts.rows(_statement("views"))


def buckets(facts: Facts) -> tuple[Row, ...]:
    """Storage buckets."""
    return facts.rows(_statement("buckets"))


def table(facts: Facts, name: str) -> Row | None:
    """One table."""
    return next((row for row in tables(facts) if row["name"] == name), None)


def owners(row: Row) -> list[str]:
    """Columns that say whose a row is, the likeliest first; who changed or approved it last does not own it."""
    named = [name for name in ("user_id", "owner_id", "created_by") if name in row["columns"]]
    told = [name for name in row["user_columns"] if not _LAST_HAND.search(name)]
    return list(dict.fromkeys([*(name for name in named if name in told), *told, *named]))


def narrowed_to_owner(row: Row, policy: Row, otherwise: str) -> str:
    """SQL that lets a policy's rows to their owner only; where no column names one, drops it, with what to do then."""
    table, name = f"public.{quoted(row['name'])}", policy["policy"].replace('"', '""')
    if not (whose := owners(row)):
        return f'drop policy "{name}" on {table};  -- {otherwise}'
    is_caller = _is_caller(row, whose[0])
    check = f" with check ({is_caller})" if policy["command"] in ("UPDATE", "ALL") else ""
    return f'alter policy "{name}" on {table} to authenticated\n  using ({is_caller}){check};'


def _is_caller(row: Row, column: str) -> str:
    """A condition that PostgreSQL takes for the column's type: some apps keep a user's id as text."""
    caller = "(select auth.uid())"
    return f"{caller} = {quoted(column)}" if column in row["ids"] else f"{caller}::text = {quoted(column)}::text"


def audience(policy: Row) -> str:
    """Say who gets through a policy's condition whatever the row: anyone, any signed-in user, or "" for nobody."""
    condition = policy["check_text"] if policy["command"] == "INSERT" else policy["using_text"]
    roles = frozenset(policy["roles"])
    if not policy["permissive"] or not condition:
        return ""
    if is_true(condition):
        return "anyone" if roles & ANYONE else "any signed-in user" if roles & SIGNED_IN else ""
    if is_any_user(condition) and roles & (ANYONE | SIGNED_IN):
        return "any signed-in user"
    return ""


def is_true(condition: str) -> bool:
    """Whether a condition holds for every row and caller."""
    return bool(_TRUE.match(condition.strip()))


def is_any_user(condition: str) -> bool:
    """Whether a condition holds for every row once the caller is signed in."""
    return bool(_ANY_USER.match(condition.strip()))


def is_narrowed(facts: Facts, policy: Row) -> bool:
    """Whether a restrictive policy narrows what this one allows."""
    return any(
        not other["permissive"] and other["name"] == policy["name"] and other["command"] in (policy["command"], "ALL")
        for other in policies(facts, policy["schema"])
    )


def certainty(facts: Facts, name: str, best: Confidence = "proven") -> Confidence:
    """What may be claimed about an object: not more than possible when statements about it failed."""
    return "possible" if facts.is_doubtful(name) else best


def proof(kind: str, name: str, text: str = "") -> Proof:
    """An object of schema public."""
    return Proof(object=f"{kind} public.{name}", text=text)


def quoted(name: str) -> str:
    """A name as SQL needs it."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else '"' + name.replace('"', '""') + '"'


def matching(names: Iterable[str], pattern: re.Pattern[str]) -> list[str]:
    """Those of the names that match."""
    return [name for name in names if pattern.match(name)]
