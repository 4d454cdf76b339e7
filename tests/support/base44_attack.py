"""What somebody who is signed in tries against another's records and accounts; each gives "" where it was refused."""

import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from base44_world import SECRET, World
from joserfc import jwt
from joserfc.jwk import OctKey

THEFT = "taken over"


@dataclass(frozen=True, kw_only=True)
class Attack:
    """Who attacks whom: `record` is the victim's, `subject` what the victim's tokens name."""

    world: World
    token: str
    own: str
    victim: str
    record: str
    subject: str

    async def by_id(self) -> str:
        at = f"entities/Note/{self.record}"
        for method, body in (("GET", None), ("PUT", {"text": THEFT}), ("DELETE", None)):
            status, found = await self.world.ask(method, at, body, self.token)
            if status != 404:
                return f"{method} {status} {found}"
        return ""

    async def by_query(self) -> str:
        theirs = {"created_by_id": self.victim}
        changed = {"query": theirs, "data": {"$set": {"text": THEFT}}}
        calls: tuple[tuple[str, str, Any, Any], ...] = (
            ("GET", f'entities/Note?q={{"created_by_id":"{self.victim}"}}', None, []),
            ("GET", f'entities/Note/count?q={{"created_by_id":"{self.victim}"}}', None, {"count": 0}),
            ("PATCH", "entities/Note/update-many", changed, {"success": True, "updated": 0, "has_more": False}),
            ("DELETE", "entities/Note", theirs, {"success": True, "deleted": 0}),
        )
        for method, path, body, expected in calls:
            status, found = await self.world.ask(method, path, body, self.token)
            if (status, found) != (200, expected):
                return f"{method} {path} {status} {found}"
        return ""

    async def by_lists(self) -> str:
        """Bulk calls name another's record: nothing of it may come back, and nothing may change."""
        sent = {"id": self.record, "text": THEFT}
        for method, path, body in (
            ("PUT", "entities/Note/bulk", [sent]),
            ("POST", "entities/Note/aggregate", {"query": {"created_by_id": self.victim}, "groupBy": ["text"]}),
        ):
            status, found = await self.world.ask(method, path, body, self.token)
            if status == 200 and (self.record in str(found) or THEFT in str(found) or self.victim in str(found)):
                return f"{method} {path} {status} {found}"
        return ""

    async def by_tokens(self) -> str:
        """Tokens that this server did not sign, or that are over, are nobody's: 401."""
        other, now = OctKey.import_key("x" + SECRET[1:]), int(time.time())
        claims = {"role": "authenticated", "sub": self.subject, "exp": now + 600}
        forged = [
            jwt.encode({"alg": "HS256"}, claims, other),
            jwt.encode({"alg": "HS256"}, claims | {"role": "service_role"}, other),
            jwt.encode({"alg": "HS256"}, claims | {"exp": now - 600}, OctKey.import_key(SECRET)),
            jwt.encode({"alg": "HS256"}, claims | {"role": "postgres"}, OctKey.import_key(SECRET)),
            _unsigned(claims),
        ]
        for token in forged:
            status, found = await self.world.ask("GET", "entities/Note", token=token)
            if status != 401:
                return f"forged {status} {found}"
        return ""

    async def by_headers(self) -> str:
        """Only the bearer token says who asks."""
        named = {
            "base44-service-authorization": f"Bearer {self.token}", "on-behalf-of": f"Bearer {self.subject}",
            "x-base44-user": self.victim, "base44-user-id": self.victim, "x-freehold-role": "service_role",
        }  # fmt: skip
        status, found = await self.world.ask("GET", "entities/Note", None, self.token, named)
        if status != 200 or any(note["created_by_id"] != self.own for note in found):
            return f"headers {status} {found}"
        status, found = await self.world.ask("GET", "entities/Note", None, "", named)
        return "" if (status, found) == (200, []) else f"headers of nobody {status} {found}"

    async def by_account(self) -> str:
        """Another's account cannot be read or changed, nor one's own role."""
        for method, body in (("GET", None), ("PUT", {"full_name": THEFT})):
            status, found = await self.world.ask(method, f"entities/User/{self.victim}", body, self.token)
            if status != 404:
                return f"{method} User {status} {found}"
        status, found = await self.world.ask(
            "PUT", "entities/User/me", {"role": "admin", "id": self.victim}, self.token
        )
        if status != 200 or (found["id"], found["role"]) != (self.own, "user"):
            return f"PUT User/me {status} {found}"
        status, found = await self.world.ask("GET", "entities/User", None, self.token)
        return "" if status == 200 and [item["id"] for item in found] == [self.own] else f"User {status} {found}"


KINDS: Mapping[str, Callable[[Attack], Awaitable[str]]] = {
    "attack by id": Attack.by_id,
    "attack by query": Attack.by_query,
    "attack by lists": Attack.by_lists,
    "attack by tokens": Attack.by_tokens,
    "attack by headers": Attack.by_headers,
    "attack by account": Attack.by_account,
}


def _unsigned(claims: Mapping[str, object]) -> str:
    parts = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "none"}, claims)
    )
    return ".".join([*parts, ""])
