"""Whatever is sent, PostgreSQL and we agree on an answer: never a 500, never a lost connection."""

import json
import random

import pytest
from rest_world import World, rest_world

from freehold.testing.database import FreshDatabase

TABLES = ("customers", "projects", "tasks", "tags", "open_tasks", "rpc/projects_of", "rpc/sum_of", "nowhere")
PARAMETERS = (
    "select", "order", "limit", "offset", "or", "and", "not.or", "id", "title", "labels", "details->>city",
    "tasks.order", "tasks.limit", "tasks.id", "columns", "on_conflict", "customer", "numbers", '"odd name"',
)  # fmt: skip
PIECES = (
    "*", "id", "title", "name", "details", "labels",
    "task_label", "tasks(", "customers(", "profiles!", "tags(", "...",
    ")", "(", ",", ".", ":", "::", "int", "text", "numeric", "->", "->>", "0", "-1",
    "99999999999999999999", "eq.", "in.(",
    "is.null", "is.", "not.", "cs.{", "}", "ov.", "fts.", "like.*", "match.[", "(any)", "asc", ".desc", ".nullslast",
    "count()", "sum()", "!inner", "!left", '"', "\\", "'", "%", "&", ";", "é", "☃", "\0", " ", "\n",
)  # fmt: skip
PREFERENCES = ("", "count=exact", "count=estimated", "return=representation", "return=headers-only", "missing=default",
               "resolution=merge-duplicates", "handling=strict", "max-affected=1", "tx=rollback", "wat")  # fmt: skip
ACCEPTS = (
    "*/*",
    "application/vnd.pgrst.object+json",
    "text/csv",
    "application/geo+json",
    "image/png",
    ",;q=x",
    "a/b/c",
)
BODIES = (
    "", "{}", "[]", "null", "[1]", '{"id":1}', '[{"id":5,"name":"x"},{"id":6,"name":"y"}]', '{"name":"\\u0000"}', "{",
    '{"numbers":[1,2]}', '{"customer":"x"}', "id,name\n7,seven\n", "id=8&name=eight", '{"details":{"a":[[[]]]}}',
)  # fmt: skip
TYPES = (
    "application/json",
    "text/csv",
    "application/x-www-form-urlencoded",
    "text/plain",
    "application/octet-stream",
    "x",
)
METHODS = ("GET", "GET", "GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS", "TRACE")
REQUESTS = 150


@pytest.mark.parametrize("seed", range(2))
async def test_random_requests_are_answered(database: FreshDatabase, seed: int) -> None:
    choose = random.Random(seed)
    async with rest_world(database, pool_size=2) as world:
        for _ in range(REQUESTS):
            await _one(world, choose)
        assert (await world.ask("ann", "/customers?id=eq.1")).status == 200


async def _one(world: World, choose: random.Random) -> None:
    pairs = [(choose.choice(PARAMETERS), "".join(choose.choices(PIECES, k=choose.randrange(7)))) for _ in range(2)]
    query = "&".join(f"{name}={value}" for name, value in pairs[: choose.randrange(4)])
    method = choose.choice(METHODS)
    headers = {
        "prefer": choose.choice(PREFERENCES) + "," + choose.choice(PREFERENCES),
        "accept": choose.choice(ACCEPTS),
        "content-type": choose.choice(TYPES),
        "range": choose.choice(("0-1", "5-", "9-1", "x")),
    }
    path = f"/{choose.choice(TABLES)}?{query}"
    answer = await world.ask(
        choose.choice(("ann", "anon")), path, method=method, body=choose.choice(BODIES), headers=headers
    )
    assert answer.status < 500, (method, path, headers, answer.body)
    if answer.status >= 400 and answer.body:
        assert sorted(json.loads(answer.body)) == ["code", "details", "hint", "message"]
