"""As whom a statement runs: the caller with all that policies may look at, or Storage itself."""

import json
import re
from dataclasses import dataclass

from freehold.runtime.database import Parameter, Statement
from freehold.runtime.session import SERVICE_ROLE, Caller
from freehold.runtime.storage import errors
from freehold.runtime.storage.queries import SQL

ROLES = frozenset({"anon", "authenticated", "service_role"})
"""No token makes anybody else: above all not the login role, which owns the tables and so stands above policies."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Scope:
    """One request's caller and what policies can see of the request."""

    caller: Caller
    headers: dict[str, str]
    method: str
    path: str
    operation: str

    def as_caller(self) -> Statement:
        """Make the rest of the transaction run as the caller, under row security."""
        if self.caller.role not in ROLES:
            raise errors.access_denied(f'permission denied to set role "{self.caller.role}"')
        return self._statement(self.caller)

    def as_service(self) -> Statement:
        """Make the rest of the transaction run as service_role: only after the caller's right was tested."""
        return self._statement(SERVICE_ROLE)

    def trusted(self) -> "Scope":
        """The same request by service_role: for signed URLs, whose right was tested when they were signed."""
        return Scope(SERVICE_ROLE, self.headers, self.method, self.path, self.operation)

    @property
    def owner_id(self) -> str | None:
        """Who will own what this request makes: the token's sub."""
        return self.caller.user_id

    def _statement(self, caller: Caller) -> Statement:
        return statement(
            "scope",
            caller.role,
            caller.claims_json,
            caller.user_id or "",
            json.dumps(self.headers),
            self.method,
            self.path,
            self.operation,
        )


def statement(name: str, *values: str | float | bool | None) -> Statement:
    """A named statement with its parameters in PostgreSQL's text format."""
    return SQL[name], [_parameter(value) for value in values]


def owner_uuid(owner_id: str | None) -> str | None:
    """The old column `owner` holds UUIDs only; other subjects are in owner_id alone."""
    return owner_id if owner_id and _UUID.fullmatch(owner_id) else None


def _parameter(value: str | float | bool | None) -> Parameter:
    if value is None:
        return None
    if isinstance(value, bool):
        return b"true" if value else b"false"
    return str(value).encode()
