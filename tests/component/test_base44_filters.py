"""The filter language against mongomock: the same records, the same filters, the same ids."""

import random
from typing import Any

import orjson
import psycopg
import pytest
from random_filters import SCHEMA, Oracle, query, records

from freehold.core.inventory import RecordKind
from freehold.core.secret import Secret
from freehold.data import entities
from freehold.platform.entities.names import table
from freehold.platform.entities.schema import Entity, read_entity
from freehold.runtime.base44 import filters, rows
from freehold.runtime.base44.params import Params
from freehold.runtime.database import Pool
from freehold.testing.database import FreshDatabase

FILTERS = 3000
RECORDS = 80
A_BATCH = 50
THING = read_entity("Thing", SCHEMA)
OPEN = {"rls": {"read": True}}
GUARDED = read_entity(
    "Thing",
    SCHEMA
    | {"properties": {name: kind | OPEN | {"properties": {"a": OPEN}} for name, kind in SCHEMA["properties"].items()}},
)
"""The same, where each field and something in it have rules that let all read: it is compared as what it shows."""


def fill(database: FreshDatabase, given: list[dict[str, Any]]) -> None:
    kind = RecordKind(name="Thing", kind="entity", schema=SCHEMA)
    entities.apply([kind], owner_dsn=Secret(database.owner_dsn), report=lambda _: None)
    spread = [
        rows.stored(THING, record) | {"id": record["id"], "created_date": "", "updated_date": ""} for record in given
    ]
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        at = table(THING)
        connection.execute(f"alter table {at} alter is_sample drop not null")  # type: ignore[arg-type]
        connection.execute(
            f"insert into {at} select * from jsonb_populate_recordset(null::{at}, %s)",  # type: ignore[arg-type]
            (orjson.dumps(spread).decode(),),
        )


async def found(pool: Pool, wanted: list[dict[str, Any]], entity: Entity = THING) -> list[list[str]]:
    statements = []
    for item in wanted:
        params = Params()
        where = filters.condition(entity, item, params, service=False)
        statements.append((f"select id from {table(entity)} where {where} order by id", params.values))
    results = await pool.run(statements)
    return [[(row[0] or b"").decode() for row in result.rows] for result in results]


@pytest.mark.parametrize(("entity", "filters_asked"), [(THING, FILTERS), (GUARDED, FILTERS // 3)])
async def test_every_filter_finds_what_mongomock_finds(
    database: FreshDatabase, entity: Entity, filters_asked: int
) -> None:
    chance = random.Random(44)
    given = records(chance, RECORDS)
    fill(database, given)
    oracle = Oracle(given)
    pool = Pool(Secret(database.superuser_dsn), 2)
    wrong = []
    try:
        for _ in range(filters_asked // A_BATCH):
            wanted = [query(chance) for _ in range(A_BATCH)]
            for item, ids in zip(wanted, await found(pool, wanted, entity), strict=True):
                if ids != oracle.ids(item):
                    wrong.append((item, sorted(set(ids) ^ set(oracle.ids(item)))))
    finally:
        await pool.close()
    by_id = {record["id"]: record for record in given}
    assert not wrong, [(item, by_id[ids[0]]) for item, ids in wrong[:3]]


CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({"a.b": None}, ["null", "number", "object", "missing", "mixed"]),
    ({"a.b": {"$exists": False}}, ["null", "number", "object", "missing"]),
    ({"a.b": {"$exists": True}}, ["deep", "mixed", "list"]),
    ({"a.b": {"$not": {"$gt": 1}}}, ["deep", "missing", "null", "number", "object"]),
    ({"a.b": {"$gt": 0, "$ne": 5}}, ["deep", "list"]),
    ({"a.b": {"$gte": 2, "$lte": 1}}, ["list"]),
    ({"a.0.b": 1}, ["list"]),
    ({"t": {"$size": 1}}, ["list"]),
    ({"t": {"$in": [["x"]]}}, ["list"]),
    ({"t": ["x", "y"]}, ["list", "mixed"]),
    ({"a": {"$elemMatch": {"b": 1}}}, ["list"]),
    ({"a": {"$elemMatch": {"b": {"$gte": 1, "$lt": 2}}}}, ["list"]),
    ({"t": {"$elemMatch": {"$gt": "w", "$lt": "y"}}}, ["list"]),
    ({"a": {}}, []),
    ({"a": {"c": 1}}, ["mixed", "object"]),
    ({"ok": 1}, []),
    ({"n": True}, []),
    ({"ok": True, "n": 1}, ["deep"]),
]
DOCUMENTS: dict[str, dict[str, Any]] = {
    "missing": {},
    "null": {"a": None},
    "number": {"a": 5},
    "object": {"a": {"c": 1}},
    "deep": {"a": {"b": 1}, "ok": True, "n": 1},
    "list": {"a": [{"b": 1}, {"b": 2}], "t": ["x"]},
    "mixed": {"a": [{"b": 5}, {"c": 1}], "t": "y"},
}


async def test_what_mongomock_does_otherwise_is_as_the_manual_of_mongodb_says(database: FreshDatabase) -> None:
    fill(database, [{"id": name, **value} for name, value in DOCUMENTS.items()])
    pool = Pool(Secret(database.superuser_dsn), 1)
    try:
        results = await found(pool, [query_ for query_, _ in CASES])
    finally:
        await pool.close()
    for (asked, ids), got in zip(CASES, results, strict=True):
        assert got == sorted(ids), asked
