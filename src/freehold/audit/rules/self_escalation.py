"""A user who may change his own row may change what he is allowed, or what he has paid for."""

import re
from collections.abc import Iterator

from freehold.audit import catalogue, proofs
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="self-escalation",
    family="FH-A05",
    title="Users may change their own rights",
    severity="high",
    confidence="likely",
    impact="A signed-in user can set this column of his own row by one API call: make himself administrator, "
    "or take credits and plans without paying.",
    fix="Take the right to update these columns away from authenticated, and change them in functions only.",
    owasp="A01:2025",
    asvs=("8.2.3", "15.3.3"),
    needs="database",
    silent="columns that authenticated may not update, policies whose check mentions the column, tables with a "
    "BEFORE UPDATE trigger that mentions it; low for a role that nothing in the database reads while rights are kept "
    "in another table",
)
_ROLE = re.compile(
    r"^(role|roles|user_role|is_admin|is_superadmin|is_super_admin|admin|is_staff|is_moderator)$", re.IGNORECASE
)


def check(facts: Facts) -> Iterator[Finding]:
    """Look for a policy by which owners update, on a table with such a column."""
    for row in catalogue.tables(facts):
        powers = [name for name in catalogue.matching(row["columns"], catalogue.POWERS) if name in row["updatable"]]
        powers = [name for name in powers if not any(re.search(rf"\b{name}\b", guard) for guard in row["guards"])]
        if not powers or not row["row_security"] or not _is_about_people(row):
            continue
        own = [policy for policy in _updates(facts, row["name"]) if _is_own(policy)]
        if own and not any(name in policy["check_text"] for policy in own for name in powers):
            yield _finding(facts, row, powers, own[0]["policy"])


def _is_about_people(row: catalogue.Row) -> bool:
    """Rows that stand for a user, not rows that users own: one a user, or a table of that name."""
    return row["one_a_user"] or row["name"] in ("profiles", "users", "user_profiles", "user_roles", "accounts")


def _updates(facts: Facts, name: str) -> list[catalogue.Row]:
    return [
        policy
        for policy in catalogue.policies(facts)
        if policy["name"] == name and policy["permissive"] and policy["command"] in ("UPDATE", "ALL")
    ]


def _is_own(policy: catalogue.Row) -> bool:
    """Whether a plain comparison with the caller opens the row: roles and helper functions do not count."""
    text = policy["using_text"].lower().replace("( select auth.uid() as uid)", "auth.uid()")
    return bool(re.fullmatch(r"\(*\s*(auth\.uid\(\) = \w+|\w+ = auth\.uid\(\))\s*\)*", text))


def _finding(facts: Facts, row: catalogue.Row, powers: list[str], policy: str) -> Finding:
    table = f"public.{catalogue.quoted(row['name'])}"
    rest = ", ".join(catalogue.quoted(name) for name in row["columns"] if name not in powers)
    kept = _where_rights_are_kept(facts, row["name"], powers)
    said = f'policy "{policy}" lets owners update {proofs.listed(powers)}'
    return card.finding(
        catalogue.proof("table", row["name"], said),
        *(catalogue.proof("table", name, "rights are read from here, by policies or functions") for name in kept[:1]),
        title=f"Users may set {proofs.listed(powers, 3)} of their own row in {row['name']}",
        severity="low" if kept else "high",
        confidence=catalogue.certainty(facts, row["name"], "likely"),
        change=f"revoke update on {table} from authenticated, anon;\n"
        f"grant update ({rest}) on {table} to authenticated;",
        impact="Nothing in the database reads this column, and rights are kept in another table: it misleads whoever "
        "trusts it, pages and reports included."
        if kept
        else "",
    )


def _where_rights_are_kept(facts: Facts, name: str, powers: list[str]) -> list[str]:
    """Other tables whose role column the database reads, where it never reads this one's and nothing is paid by it."""
    if not all(_ROLE.match(power) for power in powers) or any(_is_read(facts, name, power) for power in powers):
        return []
    return [
        row["name"]
        for row in catalogue.tables(facts)
        if row["name"] != name
        and any(_is_read(facts, row["name"], column) for column in catalogue.matching(row["columns"], _ROLE))
    ]


def _is_read(facts: Facts, name: str, column: str) -> bool:
    """Whether a policy or a function mentions both the table and its column."""
    policies = (
        f"{one['name']} {one['using_text']} {one['check_text']}".replace("auth.role()", "")
        for one in catalogue.policies(facts)
    )
    functions = (one["body"] for one in catalogue.functions(facts))
    return any(
        re.search(rf"\b{name}\b", text) and re.search(rf"\b{column}\b", text) for text in (*policies, *functions)
    )
