"""What kinds of hole the live probe knows: how bad each is, how to mend it, and which rules read the same."""

from dataclasses import dataclass, replace

from freehold.core.finding import Severity


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How bad a kind of hole is for strangers and for other users, and which rules read the same."""

    stranger: Severity
    user: Severity
    fix: str
    rules: tuple[str, ...] = ()
    revoked: bool = False
    """Whether taking the right to call a function away mends it: the statement is given."""


_POLICY = "Compare the row's owner with the caller in the policy."
_READ = Kind(
    stranger="high", user="medium", fix=_POLICY, rules=("table-without-row-security", "personal-data-readable")
)
_WRITE = Kind(
    stranger="critical",
    user="high",
    fix=_POLICY,
    rules=("table-without-row-security", "write-policy-for-anyone", "write-policy-for-signed-in"),
)
_VIEW = Kind(
    stranger="high",
    user="medium",
    fix="Make the view ask as its caller (security_invoker), or take the right to use it away.",
    rules=("view-past-row-security", "users-exposed"),
)
_FILE = Kind(
    stranger="critical",
    user="high",
    fix="Compare the first folder of the file's name with the caller's id.",
    rules=("bucket-writable", "bucket-listable"),
)
_FUNCTION = "Ask auth.uid() inside, or take the right to execute it from anon and authenticated."
_REVOKE = (
    "Take the right to execute it from anon and authenticated by name: a REVOKE that names PUBLIC only leaves the "
    "grants that the platform gives these two by default."
)
KINDS: dict[str, Kind] = {
    "rows-readable": _READ,
    "personal-columns": _READ,
    "secret-columns": replace(_READ, stranger="critical", user="high"),
    "rows-changeable": _WRITE,
    "rows-deletable": _WRITE,
    "rows-forged": replace(_WRITE, stranger="high", user="medium", rules=("table-without-row-security", "open-insert")),
    "rows-insertable": replace(_WRITE, stranger="medium", user="low", rules=("table-without-row-security",)),
    "rows-given-away": replace(_WRITE, stranger="high", user="low", rules=("policy-without-check",)),
    "self-promotion": Kind(
        stranger="critical",
        user="critical",
        fix="Take the right to write these columns from authenticated.",
        rules=("self-escalation", "role-self-grant"),
    ),
    "sign-up-chooses-role": Kind(
        stranger="critical", user="critical", fix="Set the role in the trigger, never from what the new user sends."
    ),
    "metadata-trusted": Kind(
        stranger="critical",
        user="critical",
        fix="Ask app_metadata, or a table that users cannot write.",
        rules=("policy-trusts-user-metadata",),
    ),
    "view-bypasses": _VIEW,
    "materialized-view-bypasses": _VIEW,
    "function-runs-sql": Kind(
        stranger="critical", user="critical", fix=_FUNCTION, rules=("function-runs-sql",), revoked=True
    ),
    "function-injectable": Kind(
        stranger="critical", user="critical", fix="Quote with format() and %L, or use EXECUTE ... USING."
    ),
    "function-changes": Kind(
        stranger="high", user="medium", fix=_FUNCTION, rules=("definer-function-open",), revoked=True
    ),
    "function-bypasses": Kind(stranger="high", user="medium", fix=_FUNCTION, revoked=True),
    "queue-open": Kind(stranger="high", user="medium", fix=_REVOKE, revoked=True),
    "address-told": Kind(stranger="low", user="low", fix=_FUNCTION, revoked=True),
    "figures-told": Kind(stranger="low", user="low", fix=_FUNCTION, revoked=True),
    "insert-spreads": Kind(
        stranger="medium",
        user="low",
        fix="Let the trigger keep what strangers send apart until somebody has looked at it.",
    ),
    "files-readable": replace(_FILE, stranger="medium", user="medium"),
    "files-changeable": _FILE,
    "files-deletable": _FILE,
    "files-insertable": replace(_FILE, stranger="high", user="low"),
}
GROUPED = {
    "queue-open": "{count} functions open message queues to anybody: {names}",
    "figures-told": "{count} functions tell anybody figures about tables that are closed to them: {names}",
    "address-told": "{count} functions tell anybody whether an address is known: {names}",
}
"""Kinds of which many together are one matter, with the title of many."""
TOGETHER = {"rows-deletable": "rows-changeable", "files-deletable": "files-changeable"}
"""Kinds that one policy opens together: they are one matter of a table or bucket."""
OTHER = Kind(stranger="high", user="medium", fix=_POLICY)
