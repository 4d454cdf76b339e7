"""Two servers that get the same requests: the builder's own local one and ours, with answers made comparable."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from base44_local import OWNER, SERVICE, LocalServer, token
from base44_world import APP, OWN, PASSWORD, World

WHO = ("owner", "ben", "eve", "nobody", "service")
TASK: dict[str, Any] = {
    "name": "Task",
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "string", "default": "todo"},
        "points": {"type": "integer"},
        "urgent": {"type": "boolean", "default": False},
        "tags": {"type": "array", "items": {"type": "string"}},
        "place": {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "number"}}},
    },
    "required": ["title"],
    "rls": {"create": OWN, "read": OWN, "update": OWN, "delete": OWN},
}
MOMENT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
Step = tuple[str, str, str, Any]
"""Who, method, path and body. {1} in a path is the id of the first record that was made."""
Answer = tuple[Any, ...]
"""Status and what is compared besides."""
Reasons = Mapping[str, Callable[[Step, Answer, Answer], object]]
"""Why an answer may differ, and whether it holds for one that does."""


async def both(local: LocalServer, world: World) -> tuple["Side", "Side"]:
    """The same five callers on both servers: theirs, then ours."""
    theirs = {"owner": token(OWNER), "service": token(SERVICE), "nobody": ""}
    ours = {"owner": world.person("owner", role="admin")[0], "service": world.service_token(), "nobody": ""}
    for name in ("ben", "eve"):
        await _join(world, local.url, local.code, name)
        theirs[name] = token(f"{name}@example.com")
        ours[name] = world.person(name)[0]
    return Side(local.url, theirs, world), Side(world.url, ours, world)


def reason_of(reasons: Reasons, step: Step, theirs: Answer, ours: Answer) -> str:
    """The first reason that holds; "" for none."""
    return next((text for text, holds in reasons.items() if holds(step, theirs, ours)), "")


class Side:
    """One of the two servers: asks, and gives answers in which ids and moments are named by their order."""

    def __init__(self, url: str, tokens: dict[str, str], world: World) -> None:
        self._url, self._tokens, self._world = url, tokens, world
        self._ids: dict[str, str] = {}
        self._made: list[str] = []

    async def call(self, step: Step, headers: Mapping[str, str], content: bytes | None = None) -> tuple[int, Any, Any]:
        """One call of a function: status, headers that it may set, and body; ids, moments and addresses are named."""
        who, method, path, body = step
        sent = {"x-app-id": APP, **headers}
        if self._tokens[who]:
            sent["authorization"] = f"Bearer {self._tokens[who]}"
        given = {"data": content} if content is not None else {"json": body} if body is not None else {}
        address = f"{self._url}/api/apps/{APP}/functions/{path}"
        async with self._world.http.request(method, address, headers=sent, allow_redirects=False, **given) as answer:
            text = await answer.text()
        try:
            value = self._named(json.loads(text))
        except ValueError:
            value = text.strip()[:200]
        told = json.dumps(value, sort_keys=True).replace(self._url, "URL").replace(self._tokens[who] or "\0", "TOKEN")
        own = ("content-type", "location", "retry-after", "x-own", "set-cookie")
        return answer.status, {name: answer.headers[name] for name in own if name in answer.headers}, told

    async def ask(self, step: Step) -> tuple[int, Any]:
        who, method, path, body = step
        for number, identity in enumerate(self._made, 1):
            path = path.replace(f"{{{number}}}", identity)
        sent = {"authorization": f"Bearer {self._tokens[who]}"} if self._tokens[who] else {}
        address = f"{self._url}/api/apps/{APP}" + (path if path.startswith("/") else f"/entities/{path}")
        async with self._world.http.request(method, address, json=body, headers=sent) as answer:
            text = await answer.text()
        try:
            value = json.loads(text)
        except ValueError:
            value = text[:60]
        if method == "POST" and answer.status == 201 and isinstance(value, dict):
            self._made.append(str(value["id"]))
        elif method == "POST" and len(self._made) < 30 and "/" not in path and path != "User":
            self._made.append("none")
        return answer.status, self._named(value)

    def _named(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._named(item) for item in value]
        if isinstance(value, dict):
            return {key: self._field(key, item) for key, item in value.items() if key not in ("is_sample", "_id")}
        return self._told(value)

    def _field(self, key: str, value: Any) -> Any:
        if key in ("id", "created_by_id") and isinstance(value, str):
            return self._ids.setdefault(value, f"id {len(self._ids)}") if key == "id" else "somebody"
        if key == "created_by" and str(value).startswith((SERVICE, "service")):
            return "a function"
        if isinstance(value, str) and MOMENT.match(value):
            return "moment"
        return self._named(value)

    def _told(self, value: Any) -> Any:
        if isinstance(value, str):
            for identity in {*self._made, *self._ids} - {"none"}:
                value = value.replace(identity, "ID")
        return value


def same_set(one: Any, two: Any) -> bool:
    if not isinstance(one, list) or not isinstance(two, list):
        return False
    return sorted(map(without_maker, one), key=str) == sorted(map(without_maker, two), key=str)


def without_maker(value: Any) -> Any:
    if isinstance(value, list):
        return [without_maker(item) for item in value]
    if isinstance(value, dict):
        return {key: item for key, item in sorted(value.items()) if key not in ("created_by", "created_by_id", "id")}
    return value


def without_roles(value: Any) -> Any:
    if isinstance(value, list):
        return sorted((without_roles(item) for item in value), key=str)
    gone = ("collaborator_role", "id", "full_name", "updated_date", "is_verified")
    return {key: item for key, item in sorted(value.items()) if key not in gone} if isinstance(value, dict) else value


async def _join(world: World, url: str, code: Callable[[], str], name: str) -> None:
    address = f"{name}@example.com"
    at = f"{url}/api/apps/{APP}/auth"
    async with world.http.post(f"{at}/register", json={"email": address, "password": PASSWORD}) as answer:
        assert answer.status == 200
    async with world.http.post(f"{at}/verify-otp", json={"email": address, "otp_code": code()}) as answer:
        assert answer.status == 200, await answer.text()
