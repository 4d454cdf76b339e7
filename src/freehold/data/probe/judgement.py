"""Is it a hole, or is it meant so? Pure decisions about columns and policies."""

import re

from freehold.data.probe.objects import Column, Function, Objects, Policy, Relation

_SECRET = re.compile(
    r"(^|_)(password|passwd|pwd|secret|token|api_?key|private_?key|access_?key|otp|pin_?code|totp|credential|"
    r"credentials|password_hash|recovery_codes?|webhook_secret|refresh_token|encrypted_\w+)s?($|_(hash|value|encrypted)$)"
)
_PERSONAL = re.compile(
    r"(^|_)(e?mail|email_address|phone|phone_number|mobile|telephone|address|street|street_address|postal_code|zip|"
    r"date_of_birth|birth_?date|dob|birthday|ssn|tax_id|national_id|passport\w*|iban|bank_account\w*|account_number|"
    r"card_number|salary|income|diagnosis|medical\w*|allergies|medications?|ip_address|stripe_customer_id|"
    r"emergency_contact\w*|cpf|nif|bsn|cnpj)$"
)
_PUBLIC_TOKENS = re.compile(
    r"^(fcm_|push_|share_|public_|color_|design_)|_(count|used|limit|type|expires\w*|at|usage)$"
)
_TEXTUAL = frozenset({"text", "character varying", "character", "uuid", "bytea", "json", "jsonb", "citext"})
_PEOPLE = re.compile(
    r"(profile|user|customer|client|contact|lead|subscriber|patient|student|employee|member|applicant|application|"
    r"message|waitlist|candidate|booking|order|invoice|payment|guest|donor|inquir|signup)"
)
_DERIVED = re.compile(r"^_?(sync|seed|backfill|recount|recomput|rebuild)", re.IGNORECASE)
_IDS = frozenset({"uuid", "integer", "bigint"})
_IDENTITY = re.compile(r"auth\.(uid|jwt|role|email)\(|current_setting|current_user|session_user")
_FUNCTION = re.compile(
    r"\b(?!(?:coalesce|lower|upper|now|any|all|exists|in|and|or|not|date_trunc|length)\b)[a-z_][\w.]*\(", re.IGNORECASE
)
_SIGNED_IN = re.compile(
    r"^\(*\s*(\(?\s*select )?"
    r"(auth\.role\(\)( as role)?\)?\s*=\s*'authenticated'(::text)?|auth\.uid\(\)( as uid)?\)? is not null)\s*\)*$",
    re.IGNORECASE,
)
_SAME = re.compile(r"\b([\w.\"]+)(?:::\w+)? = ([\w.\"]+)(?:::\w+)?(?![\w.(])")


def secret_columns(columns: tuple[str, ...], relation: Relation | None = None) -> tuple[str, ...]:
    """Name those that let a reader act as someone else; a relation's numbers and dates do not."""
    found = tuple(item for item in columns if _SECRET.search(item.lower()) and not _PUBLIC_TOKENS.search(item.lower()))
    return tuple(item for item in found if relation is None or _holds_text(relation.column(item)))


def _holds_text(column: Column | None) -> bool:
    return column is None or column.base in _TEXTUAL


def personal_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Name those that tell about a person what strangers should not know."""
    return tuple(item for item in columns if _PERSONAL.search(item.lower()))


def only_derives(function: Function) -> bool:
    """Say whether a function copies what other rows say, by its name: its caller chooses a row, not what is written."""
    return bool(_DERIVED.match(function.name)) and {*function.types} <= _IDS


def is_about_people(objects: Objects, relation: Relation) -> bool:
    """Say whether the rows belong to users or are about people, by the table's name."""
    return relation.oid in objects.owned or bool(_PEOPLE.search(relation.name.lower()))


def is_meant_for(relation: Relation, role: str, command: str) -> bool:
    """Say whether a policy opens the rows on purpose to everybody who has the role.

    That is the literal `true`, or a condition on the row's own columns alone, such as `published`; for signed-in users
    also the test that somebody is signed in. A condition that is always true without saying so is not on purpose.
    """
    return any(
        _is_plainly_open(policy, relation, role)
        for policy in relation.policies
        if policy.permissive and policy.command in {command, "*"} and {"public", role} & {*policy.roles}
    )


def _is_plainly_open(policy: Policy, relation: Relation, role: str) -> bool:
    text = policy.using.strip()
    if text.strip("()").lower() == "true":
        return True
    if role == "authenticated" and _SIGNED_IN.match(text):
        return True
    if _IDENTITY.search(text) or _FUNCTION.search(text) or re.search(r"\btrue OR\b|\bOR true\b", text, re.IGNORECASE):
        return False
    if any(left.split(".")[-1] == right.split(".")[-1] for left, right in _SAME.findall(text)):
        return False
    return any(re.search(rf"\b{re.escape(column.name)}\b", text) for column in relation.columns)


def gaining_columns(
    relation: Relation, users: tuple[str, ...], privileged: frozenset[str]
) -> tuple[tuple[Column, str], ...]:
    """Pair columns by which a user could promote themselves with a value that does so."""
    found = []
    account = any(columns <= {*users} for _, columns in relation.keys if columns)
    for column in relation.columns:
        if column.generated or column.array:
            continue
        value = _gain(column, relation, privileged, account=account)
        if value is not None:
            found.append((column, value))
    return tuple(found)


def is_believed(objects: Objects, column: Column) -> bool:
    """Say whether a rule or a function of the app asks this column for an administrator's label."""
    rules = [policy for relation in objects.relations.values() for policy in relation.policies]
    texts = [function.source for function in objects.functions] + [f"{rule.using} {rule.check}" for rule in rules]
    label = r"'\w*(admin|owner|staff|moderator|manager)"
    asked = re.compile(rf"(?<!')\b{re.escape(column.name)}\b(?!')[^;]{{0,30}}{label}", re.IGNORECASE)
    return any(asked.search(text) for text in texts)


_FLAG = re.compile(r"^(is_)?(admin|super_?admin|superuser|staff|moderator|owner|premium|pro|verified|vip|paid)$")
_ROLE = re.compile(r"^(\w+_)?(role|access_level|permission_level|user_type|account_type)$")
_PLAN = re.compile(r"^((subscription|current)_)?(plan|tier|plan_type|plan_id|subscription_status)$|^subscription_tier$")
_MONEY = re.compile(r"^(\w+_)?(credits?|balance|tokens_remaining|credit_balance|coins|wallet_balance)$")


def _gain(column: Column, relation: Relation, privileged: frozenset[str], *, account: bool) -> str | None:
    lowered = column.name.lower()
    if column.base == "boolean":
        return "true" if _FLAG.match(lowered) else None
    if _ROLE.match(lowered):
        labels = allowed(column, relation)
        listed = next((label for label in labels if label.lower() in privileged), None)
        return listed or ("admin" if account and not labels and column.base == "text" else None)
    if account and _PLAN.match(lowered):
        labels = allowed(column, relation)
        return labels[-1] if labels else ("enterprise" if column.base == "text" else None)
    if account and _MONEY.match(lowered) and column.base in {"integer", "bigint", "numeric", "double precision"}:
        return "9999"
    return None


def allowed(column: Column, relation: Relation) -> tuple[str, ...]:
    """Give the labels that a column may have, as far as an enum or a check lists them."""
    if column.labels:
        return column.labels
    checks = [check for check in relation.checks if check.columns == (column.name,)]
    return tuple(text for check in checks for text in re.findall(r"'((?:[^']|'')*)'", check.definition))
