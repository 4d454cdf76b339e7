"""The record of acts in auth.audit_log_entries, in GoTrue's form."""

from freehold.runtime.auth.http import Json, Request
from freehold.runtime.auth.statements import statement
from freehold.runtime.auth.users import User
from freehold.runtime.database import Statement

_LOG_TYPES = {
    "login": "account",
    "logout": "account",
    "user_signedup": "team",
    "user_invited": "team",
    "user_deleted": "team",
    "token_revoked": "token",
    "token_refreshed": "token",
    "factor_in_progress": "factor",
    "factor_unenrolled": "factor",
    "challenge_created": "factor",
    "verification_attempted": "factor",
    "factor_deleted": "factor",
    "factor_updated": "factor",
}
ADMIN = "service_role"


def by_user(request: Request, user: User, action: str, traits: Json | None = None) -> Statement:
    """Record what a user did."""
    payload: Json = {
        "actor_id": str(user.id),
        "actor_via_sso": bool(user.row["is_sso_user"]),
        "actor_username": user.phone or user.email,
    }
    if "full_name" in user.user_metadata:
        payload["actor_name"] = user.user_metadata["full_name"]
    return _entry(request, payload, action, traits)


def by_new_user(request: Request, user_id: str, name: str, action: str, traits: Json | None = None) -> Statement:
    """Record what a user did who is made by the same transaction."""
    return _entry(request, {"actor_id": user_id, "actor_via_sso": False, "actor_username": name}, action, traits)


def by_admin(request: Request, action: str, traits: Json) -> Statement:
    """Record what the server's own key was used for."""
    nobody = "00000000-0000-0000-0000-000000000000"
    return _entry(request, {"actor_id": nobody, "actor_via_sso": False, "actor_username": ADMIN}, action, traits)


def _entry(request: Request, payload: Json, action: str, traits: Json | None) -> Statement:
    payload |= {"action": action, "log_type": _LOG_TYPES.get(action, "user")}
    if traits is not None:
        payload["traits"] = traits
    return statement("audit", payload, request.ip)
