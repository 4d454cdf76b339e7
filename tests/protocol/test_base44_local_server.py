"""The builder's own local server and ours get the same requests; each difference in status or body is explained."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from base44_local import OWNER, local_server
from base44_sides import TASK, WHO, Reasons, Step, both, reason_of, same_set, without_maker, without_roles
from base44_world import ADMIN, APP, ENTITIES, base44_world

from freehold.testing.database import FreshDatabase

pytestmark = pytest.mark.protocol

SCHEMAS: dict[str, dict[str, Any]] = {
    "Task": TASK,
    "Open": {"name": "Open", "type": "object", "properties": {"text": {"type": "string"}, "n": {"type": "number"}}},
    "Shared": ENTITIES["Shared"],
    "Team": {
        "name": "Team",
        "type": "object",
        "properties": {"name": {"type": "string"}, "level": {"type": "string"}},
        "rls": {
            "create": ADMIN,
            "read": {"data.level": {"$in": ["low", "mid"]}},
            "update": {"$and": [ADMIN, {"data.level": {"$ne": "top"}}]},
            "delete": {"$nor": [{"data.level": "top"}]},
        },
    },
}
EXPLAINED: Reasons = {
    "a record that is not there and one that is not the caller's get one answer, so that ids cannot be tried": (
        lambda _, theirs, ours: theirs[0] == ours[0] == 404 and "Record with id" in str(theirs[1])
    ),
    "equal values in a sorted list stand by their ids": (
        lambda step, theirs, ours: "sort=" in step[2] and theirs[0] == ours[0] == 200 and same_set(theirs[1], ours[1])
    ),
    "$nor, and $regex with a pattern as JSON can hold it, which the SDK's documentation names": (
        lambda step, theirs, ours: re.search(r"\$nor|\$regex", step[2]) and theirs[0] == 500 and ours[0] == 200
    ),
    "rules look at the whole record, whatever fields are asked for": (
        lambda step, theirs, ours: "fields=" in step[2] and theirs[1] == [] and ours[0] == 200
    ),
    "an unsorted list is newest first, as the SDK's documentation says": (
        lambda step, theirs, ours: step[1] == "GET" and "sort=" not in step[2] and same_set(theirs[1], ours[1])
    ),
    "a function's records are not made by server@server.com": (
        lambda step, theirs, ours: step[0] == "service" and without_maker(theirs[1]) == without_maker(ours[1])
    ),
    "users have no role in the builder's editor here": (
        lambda _, theirs, ours: (
            "collaborator_role" in str(theirs[1]) and without_roles(theirs[1]) == without_roles(ours[1])
        )
    ),
    "a function is no user": lambda step, _, ours: step[0] == "service" and "User/me" in step[2] and ours[0] == 401,
    "nothing of User can be reached without signing in": (
        lambda step, _, ours: step[0] == "nobody" and "User" in step[2] and ours[0] == 401
    ),
}


def steps() -> list[Step]:
    """Everything that five callers do to four entities, and to users."""
    found: list[Step] = []
    for who in WHO:
        found += [
            (who, "POST", "Task", {"title": f"{who} 1", "points": 2, "tags": ["a", "b"]}),
            (who, "POST", "Task", {"title": f"{who} 2", "place": {"city": "Ulm", "zip": 1.5}, "odd": 1}),
            (who, "POST", "Open", {"text": f"{who}", "n": 1.5, "created_by": "forged@example.com", "id": "forged"}),
            (who, "POST", "Shared", {"owner": OWNER, "guest": "ben@example.com", "text": who}),
            (who, "POST", "Team", {"name": who, "level": ("low", "mid", "top")[len(found) % 3]}),
            (who, "POST", "Open/bulk", [{"text": "x"}, {"text": "y", "n": 2}]),
        ]
    bad: list[Any] = [
        {}, {"title": 1}, {"title": "x", "points": 1.5}, {"title": "x", "points": "1"}, {"title": "x", "urgent": "yes"},
        {"title": "x", "tags": "a"}, {"title": "x", "tags": [1]}, {"title": "x", "place": []}, {"title": None},
        {"title": "x", "place": {"city": 1}},  {"title": ""},
    ]  # fmt: skip
    found += [(who, "POST", "Task", body) for who in ("owner", "nobody") for body in bad]
    found += [("owner", "POST", "Open/bulk", body) for body in ({"a": 1}, [{"n": "x"}], [])]
    reads = [
        "Task", "Task?sort=title", "Task?sort=-title", "Open?sort=text&limit=3", "Open?sort=-text&skip=2",
        "Shared?sort=text", "Team?sort=name", "task?sort=title&fields=title,points", "Nothing", "Team", "Open?q={",
        'Task?sort=title&q={"title":"owner 1"}', 'Open?sort=text&q={"n":{"$gte":1.5}}', "Task/forged", "Open/forged",
        'Open?sort=text&q={"text":{"$in":["x","ben"]}}', 'Open?sort=text&q={"n":{"$exists":false}}',
        'Task?sort=title&q={"place.city":"Ulm"}', 'Open?sort=text&q={"$or":[{"text":"x"},{"n":2}]}',
        'Task?sort=title&q={"tags":"a"}', 'Open?sort=text&q={"text":{"$ne":"x"}}', "User/me",
        'Open?sort=text&q={"text":null}', 'Open?sort=text&q={"text":{"$regex":"^[xy]"}}', "Open?sort=n&fields=n",
        'Task?sort=title&q={"$nor":[{"title":"owner 1"}]}', 'Open?sort=text&q={"n":{"$gt":1,"$lt":2}}',
        'Task?sort=title&q={"status":"todo","urgent":false}', 'Open?sort=text&q={"text":{"$nin":["x","y"]}}',
        'Team?sort=name&q={"level":"top"}', 'Task?sort=title&q={"tags":{"$size":2}}',
    ]  # fmt: skip
    found += [(who, "GET", path, None) for who in WHO for path in reads]
    for who in WHO:
        found += [(who, "GET", f"{entity}/{{{place}}}", None) for entity, place in PLACES]
        found += [(who, "PUT", f"{entity}/{{{place}}}", {FIELD[entity]: f"by {who}"}) for entity, place in PLACES]
        found += [(who, "PUT", "Task/{1}", {"points": "x"}), (who, "PUT", "Task/none", {"title": "x"})]
        found += [(who, "PUT", "User/me", {"full_name": "x", "role": "admin"}), (who, "POST", "User", {"a": 1})]
        found += [(who, "POST", "User/bulk", []), (who, "DELETE", "User/none", None), (who, "GET", "User", None)]
    for who in WHO[::-1]:
        found += [(who, "DELETE", f"{entity}/{{{place}}}", None) for entity, place in PLACES[:3]]
        found += [
            (who, "DELETE", "Shared", {}),
            (who, "DELETE", "Open", {"text": who}),
            (who, "DELETE", "Task/none", None),
        ]
    return found


FIELD = {"Task": "title", "Open": "text", "Shared": "text", "Team": "name"}
PLACES = (("Task", 1), ("Team", 5), ("Shared", 4), ("Open", 3))


async def test_the_same_requests_get_the_same_answers(database: FreshDatabase, tmp_path: Path) -> None:
    asked = steps()
    assert len(asked) >= 300
    with local_server(tmp_path, APP, SCHEMAS) as local:
        async with base44_world(database, tmp_path, schemas=SCHEMAS) as world:
            theirs, ours = await both(local, world)
            reasons: Counter[str] = Counter()
            unexplained = []
            for step in asked:
                one, two = await theirs.ask(step), await ours.ask(step)
                reason = "the same" if one == two else reason_of(EXPLAINED, step, one, two)
                reasons[reason] += 1
                if not reason:
                    unexplained.append((step, one, two))
    told = f"{dict(reasons)}\n"
    assert not unexplained, told + "\n".join(
        f"{step}\n   theirs {one}\n   ours   {two}" for step, one, two in unexplained[:12]
    )
    assert reasons["the same"] > len(asked) / 2
    assert set(EXPLAINED) - set(reasons) == set()
