"""Records over /api: answers, rules of rows and fields, and who is refused."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from base44_world import ADMIN, APP, World, base44_world

from freehold.platform.entities.schema import Entity, read_entity
from freehold.runtime.base44 import documents
from freehold.testing.database import FreshDatabase


@pytest.fixture
async def world(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with base44_world(database, tmp_path, inferred=("Loose",)) as world:
        yield world


async def test_a_record_is_stored_as_its_schema_says(world: World) -> None:
    token, person = world.person("ann")
    status, made = await world.ask("POST", "entities/Task", {"title": "One", "points": 3, "odd": 1}, token)
    assert status == 201
    assert {"title": "One", "points": 3, "status": "todo", "urgent": False}.items() <= made.items()
    assert (made["created_by"], made["created_by_id"], made["is_sample"]) == ("ann@example.com", person, False)
    assert "odd" not in made
    assert len(made["id"]) == 24
    assert await world.ask("GET", f"entities/Task/{made['id']}", token=token) == (200, made)
    assert await world.ask("GET", "entities/task", token=token) == (200, [made])
    status, changed = await world.ask("PUT", f"entities/Task/{made['id']}", {"points": None, "id": "x"}, token)
    assert (status, changed["points"], changed["title"], changed["id"]) == (200, None, "One", made["id"])
    assert await world.ask("DELETE", f"entities/Task/{made['id']}", token=token) == (200, {"success": True})
    status, body = await world.ask("GET", f"entities/Task/{made['id']}", token=token)
    assert (status, body) == (404, {"message": f"Entity Task with ID {made['id']} not found"})


async def test_what_a_schema_does_not_allow_is_422_in_the_builders_words(world: World) -> None:
    token, _ = world.person("ann")
    cases = [
        ({}, "Error in field title: Field required"),
        ({"title": 5}, "Error in field title: Input should be a valid string"),
        ({"title": "x", "points": 1.5}, "Error in field points: Input should be a valid integer"),
        ({"title": "x", "tags": ["a", 1]}, "Error in field tags[1]: Input should be a valid string"),
        ({"title": "x", "place": {"zip": "1"}}, "Error in field place.zip: Input should be a valid number"),
    ]
    for body, message in cases:
        status, answer = await world.ask("POST", "entities/Task", body, token)
        assert (status, answer["error_type"], answer["message"]) == (422, "ValidationError", message)


async def test_rules_hold_in_every_verb(world: World) -> None:
    ann, _ = world.person("ann")
    eve, _ = world.person("eve")
    _, made = await world.ask("POST", "entities/Task", {"title": "Ann's"}, ann)
    one = f"entities/Task/{made['id']}"
    missing = {"message": f"Entity Task with ID {made['id']} not found"}
    for token in (eve, ""):
        assert await world.ask("GET", one, token=token) == (404, missing)
        assert await world.ask("PUT", one, {"title": "Eve's"}, token) == (404, missing)
        assert await world.ask("DELETE", one, token=token) == (404, missing)
        assert await world.ask("GET", "entities/Task", token=token) == (200, [])
        assert await world.ask("GET", "entities/Task/count", token=token) == (200, {"count": 0})
        assert await world.ask("DELETE", "entities/Task", {}, token) == (200, {"success": True, "deleted": 0})
        assert (await world.ask("GET", "entities/Task/v2/list", token=token))[1]["items"] == []
        many = {"query": {}, "data": {"$set": {"title": "Eve's"}}}
        assert (await world.ask("PATCH", "entities/Task/update-many", many, token))[1]["updated"] == 0
        assert (await world.ask("POST", "entities/Task/aggregate", {}, token))[1]["rows"] == [{"count": 0}]
        assert (await world.ask("PUT", "entities/Task/bulk", [{"id": made["id"], "title": "x"}], token))[0] == 404
    assert await world.ask("POST", "entities/Task", {"title": "x"}) == (403, {"error": "Permission denied"})
    assert await world.ask("POST", "entities/Task", {}) == (403, {"error": "Permission denied"})
    assert (await world.ask("GET", one, token=ann))[1]["title"] == "Ann's"
    assert (await world.ask("GET", one, token=world.service_token()))[0] == 200


async def test_a_client_cannot_say_who_made_a_record(world: World) -> None:
    _, ann_id = world.person("ann")
    eve, eve_id = world.person("eve")
    forged = {"title": "x", "created_by": "ann@example.com", "created_by_id": ann_id, "id": "mine", "created_date": "1"}
    _, made = await world.ask("POST", "entities/Task", forged, eve)
    assert (made["created_by"], made["created_by_id"]) == ("eve@example.com", eve_id)
    assert made["id"] != "mine"


async def test_two_parties_of_a_record_and_nobody_else(world: World) -> None:
    ann, _ = world.person("ann")
    ben, _ = world.person("ben")
    eve, _ = world.person("eve")
    body = {"owner": "ann@example.com", "guest": "ben@example.com", "text": "hi"}
    _, made = await world.ask("POST", "entities/Shared", body, ann)
    one = f"entities/Shared/{made['id']}"
    assert [(await world.ask("GET", one, token=token))[0] for token in (ann, ben, eve, "")] == [200, 200, 404, 404]
    statuses = [(await world.ask("PUT", one, {"text": "x"}, token))[0] for token in (ben, eve, "", ann)]
    assert statuses == [404, 404, 404, 200]
    assert (await world.ask("DELETE", "entities/Shared", {}, ann))[0] == 403
    moved = await world.ask("PUT", one, {"owner": "ben@example.com", "guest": ""}, ann)
    assert moved[0] == 200
    assert (await world.ask("GET", one, token=ann))[0] == 404


async def test_a_fields_own_rule_hides_it_and_refuses_the_whole_write(world: World) -> None:
    ann, _ = world.person("ann")
    status, body = await world.ask("POST", "entities/Task", {"title": "x", "note": "secret"}, ann)
    assert (status, body) == (403, {"message": "You're not allowed to set the following fields: data.note"})
    _, made = await world.ask("POST", "entities/Task", {"title": "x"}, ann)
    one = f"entities/Task/{made['id']}"
    status, seen = await world.ask("PUT", one, {"note": "kept"}, world.service_token())
    assert (status, seen["note"]) == (200, "kept")
    assert "note" not in (await world.ask("GET", one, token=ann))[1]
    status, body = await world.ask("PUT", one, {"note": "other", "title": "y"}, ann)
    assert (status, body) == (403, {"message": "You're not allowed to modify the following fields: data.note"})
    assert (await world.ask("GET", one, token=ann))[1]["title"] == "x"
    grouped = await world.ask("POST", "entities/Task/aggregate", {"groupBy": "note"}, ann)
    assert grouped[1]["rows"] == [{"note": None, "count": 1}]
    assert (await world.ask("GET", "entities/Task/v2/list?distinct=note", token=ann))[1]["items"] == []


async def test_a_rule_inside_a_field_hides_and_guards_what_it_stands_at(
    database: FreshDatabase, tmp_path: Path
) -> None:
    price = {"type": "number", "rls": {"read": ADMIN, "write": ADMIN}}
    part = {"type": "object", "properties": {"name": {"type": "string"}, "price": price}}
    inner = {"type": "object", "properties": {"open": {"type": "string"}, "deep": part}}
    offer = {
        "name": "Offer",
        "type": "object",
        "properties": {"parts": {"type": "array", "items": part}, "info": inner},
    }
    async with base44_world(database, tmp_path, schemas={"Offer": offer}) as world:
        ann, admin = world.person("ann")[0], world.person("admin", role="admin")[0]
        whole = {"parts": [{"name": "a", "price": 1}, {"name": "b"}], "info": {"open": "x", "deep": {"price": 7}}}
        shown = {"parts": [{"name": "a"}, {"name": "b"}], "info": {"open": "x", "deep": {}}}
        refused = await world.ask("POST", "entities/Offer", whole, ann)
        assert refused[0] == 403
        assert refused[1]["message"].endswith("the following fields: data.info.deep.price, data.parts.price")
        assert (await world.ask("POST", "entities/Offer", shown, ann))[0] == 201
        _, made = await world.ask("POST", "entities/Offer", whole, admin)
        one = f"entities/Offer/{made['id']}"
        assert {key: made[key] for key in whole} == whole
        seen = (await world.ask("GET", one, token=ann))[1]
        assert {key: seen[key] for key in whole} == shown
        for asked in ('{"info.deep.price":7}', '{"parts":{"$elemMatch":{"price":1}}}', '{"info.deep.price":{"$gt":0}}'):
            assert (await world.ask("GET", f"entities/Offer?q={asked}", token=ann))[1] == [], asked
            assert len((await world.ask("GET", f"entities/Offer?q={asked}", token=admin))[1]) == 1, asked
        assert (await world.ask("PUT", one, {"info": {"open": "y", "deep": {"price": 8}}}, ann))[0] == 403
        assert (await world.ask("PUT", one, {"info": {"open": "y", "deep": {"price": 7}}}, ann))[0] == 200
        assert (await world.ask("PUT", one, {"parts": [{"name": "a", "price": 2}, {"name": "b"}]}, ann))[0] == 403
        grouped = await world.ask("POST", "entities/Offer/aggregate", {"groupBy": "info.deep.price"}, ann)
        assert [row["info.deep.price"] for row in grouped[1]["rows"]] == [None]


def test_a_query_grows_with_the_rules_of_fields_and_not_by_their_power() -> None:
    def lengths(count: int) -> list[int]:
        inside = {f"n{n}": {"type": "string", "rls": {"read": ADMIN}} for n in range(count)}
        hidden = {f"h{n}": {"type": "string", "rls": {"read": ADMIN}} for n in range(count)}
        entity = read_entity("Wide", {"properties": {"info": {"type": "object", "properties": inside}, **hidden}})
        return [len(text(entity)) for text in (documents.document, _of_info)]

    assert all(long < 3 * short for short, long in zip(lengths(6), lengths(12), strict=True))


def _of_info(entity: Entity) -> str:
    return documents.visible_value(entity, "info.n1", service=False)


async def test_fields_that_are_kept_in_the_rest_are_hidden_alike(database: FreshDatabase, tmp_path: Path) -> None:
    secret = {"type": "string", "rls": {"read": ADMIN}}
    inside = {"type": "object", "properties": {"a": secret, "b": secret, "c": {"type": "string"}}}
    schema = {"name": "Loose", "properties": {"x": secret, "y": secret, "info": inside, "z": {"type": "string"}}}
    whole = {"x": [1], "y": [2], "z": [3], "info": {"a": "1", "b": "2", "c": "3"}}
    async with base44_world(database, tmp_path, schemas={"Loose": schema}) as world:
        ann, admin = world.person("ann")[0], world.person("admin", role="admin")[0]
        _, made = await world.ask("POST", "entities/Loose", {}, admin)
        loose = json.dumps({"x": [1], "y": [2], "z": [3], "info": whole["info"]})
        world.sql('update entities."Loose" set _more = %s', loose)
        for token, shown in ((admin, whole), (ann, {"z": [3], "info": {"c": "3"}})):
            _, found = await world.ask("GET", f"entities/Loose/{made['id']}", token=token)
            assert {key: found[key] for key in whole if key in found} == shown
            _, (part,) = await world.ask("GET", "entities/Loose?fields=x,z,info", token=token)
            assert {key: part[key] for key in ("x", "z", "info") if key in part} == {
                key: value for key, value in shown.items() if key != "y"
            }


async def test_users_have_the_apps_own_fields_and_their_rules(database: FreshDatabase, tmp_path: Path) -> None:
    plan = {"type": "string", "default": "free", "rls": {"write": ADMIN}}
    user = {"name": "User", "type": "object", "properties": {"theme": {"type": "string"}, "plan": plan}}
    async with base44_world(database, tmp_path, schemas={"User": user}) as world:
        (ann, ann_id), admin = world.person("ann", plan="free"), world.person("admin", role="admin")[0]
        assert (await world.ask("PUT", "entities/User/me", {"theme": "dark", "plan": "free"}, ann))[1][
            "theme"
        ] == "dark"
        refused = await world.ask("PUT", "entities/User/me", {"theme": "light", "plan": "gold"}, ann)
        assert refused == (403, {"message": "You're not allowed to modify the following fields: data.plan"})
        assert (await world.ask("PUT", "entities/User/me", {"theme": 5}, ann))[0] == 422
        seen = (await world.ask("GET", "entities/User/me", token=ann))[1]
        assert (seen["theme"], seen["plan"]) == ("dark", "free")
        status, changed = await world.ask("PUT", f"entities/User/{ann_id}", {"plan": "gold"}, admin)
        assert (status, changed["plan"]) == (200, "gold")


async def test_records_that_are_made_at_once_stand_in_their_order(world: World) -> None:
    await world.ask("POST", "entities/News/bulk", [{"n": n} for n in range(40)], world.service_token())
    listed = (await world.ask("GET", "entities/News?sort=created_date", token=world.service_token()))[1]
    assert [item["n"] for item in listed] == list(range(40))
    assert listed[0]["created_by"] == f"service+{APP}@no-reply.base44.com"


async def test_a_hidden_field_cannot_be_found_out_by_asking(world: World) -> None:
    ann, _ = world.person("ann")
    _, made = await world.ask("POST", "entities/Task", {"title": "x"}, ann)
    await world.ask("PUT", f"entities/Task/{made['id']}", {"note": "secret"}, world.service_token())
    asked = await world.ask("GET", 'entities/Task?q={"note":{"$regex":"^s"}}', token=ann)
    assert asked == (200, [])
    assert (await world.ask("GET", "entities/Task/v2/list?sort=note&limit=1", token=ann))[0] in (200, 400)


async def test_an_entity_that_no_file_describes_takes_every_field_and_is_its_makers(world: World) -> None:
    ann, _ = world.person("ann")
    eve, _ = world.person("eve")
    status, made = await world.ask("POST", "entities/Loose", {"a": {"b": [1, None]}, "c": None}, ann)
    assert (status, made["a"], made["c"]) == (201, {"b": [1, None]}, None)
    assert (await world.ask("GET", "entities/Loose", token=ann))[1] == [made]
    assert (await world.ask("GET", "entities/Loose", token=eve))[1] == []
    assert (await world.ask("POST", "entities/Loose", {"a": 1}))[0] == 403


async def test_lists_are_sorted_skipped_and_limited_after_the_rules(world: World) -> None:
    ann, _ = world.person("ann")
    eve, _ = world.person("eve")
    for n in range(3):
        await world.ask("POST", "entities/Task", {"title": f"eve {n}", "points": n}, eve)
    for n in (2, 0, 1):
        await world.ask("POST", "entities/Task", {"title": f"ann {n}", "points": n}, ann)
    await world.ask("POST", "entities/Task", {"title": "ann none"}, ann)
    listed = await world.ask("GET", "entities/Task?sort=points&skip=1&limit=2&fields=title,points", token=ann)
    assert listed == (200, [{"title": "ann 0", "points": 0}, {"title": "ann 1", "points": 1}])
    newest = (await world.ask("GET", "entities/Task?limit=1", token=ann))[1]
    assert newest[0]["title"] == "ann none"


async def test_pages_give_every_record_once_and_the_cursor_carries_the_question(world: World) -> None:
    ann, _ = world.person("ann")
    bodies = [{"title": f"t{n}", "points": n % 3 if n % 4 else None} for n in range(23)]
    assert (await world.ask("POST", "entities/Task/bulk", bodies, ann))[0] == 201
    for sort in ("points", "-points", "-created_date", "title", "place.city"):
        seen, path = [], f'entities/Task/v2/list?limit=5&sort={sort}&fields=title&q={{"urgent":false}}'
        while path:
            status, page = await world.ask("GET", path, token=ann)
            assert status == 200
            seen += [item["title"] for item in page["items"]]
            path = f"entities/Task/v2/list?limit=5&cursor={page['next_cursor']}" if page["has_more"] else ""
        assert sorted(seen) == sorted(item["title"] for item in bodies)
    assert (await world.ask("GET", "entities/Task/v2/list?cursor=%21", token=ann))[0] == 400


async def test_many_records_are_changed_by_operators(world: World) -> None:
    ann, _ = world.person("ann")
    bodies = [{"title": f"t{n}", "points": n, "tags": ["a"]} for n in range(4)]
    await world.ask("POST", "entities/Task/bulk", bodies, ann)
    data = {"$inc": {"points": 10}, "$push": {"tags": "b"}, "$set": {"place.city": "Ulm"}, "$unset": {"due": 1}}
    status, body = await world.ask(
        "PATCH", "entities/Task/update-many", {"query": {"points": {"$gte": 2}}, "data": data}, ann
    )
    assert (status, body) == (200, {"success": True, "updated": 2, "has_more": False})
    found = (await world.ask("GET", 'entities/Task?q={"place.city":"Ulm"}&sort=points', token=ann))[1]
    assert [(item["points"], item["tags"]) for item in found] == [(12, ["a", "b"]), (13, ["a", "b"])]
    wrong = await world.ask("PATCH", "entities/Task/update-many", {"query": {}, "data": {"$inc": {"title": 1}}}, ann)
    assert wrong[0] in (400, 422)


async def test_upsert_writes_by_key_and_the_last_of_one_key_wins(world: World) -> None:
    records = [{"text": "a", "n": 1}, {"text": "b", "n": 2}, {"text": "a", "n": 3}]
    status, body = await world.ask("POST", "entities/News/upsert", {"records": records, "key": "text"})
    assert (status, body["created"], body["updated"]) == (200, 2, 0)
    status, body = await world.ask(
        "POST", "entities/News/upsert", {"records": [{"text": "a", "n": 9}], "key": ["text"]}
    )
    assert (body["created"], body["updated"], body["records"][0]["n"]) == (0, 1, 9)
    assert (await world.ask("GET", "entities/News/count"))[1] == {"count": 2}


async def test_groups_and_figures(world: World) -> None:
    bodies = [{"text": text, "n": n} for text, n in (("a", 1), ("a", 2), ("b", 5), ("b", None), ("c", 7))]
    await world.ask("POST", "entities/News/bulk", bodies)
    spec = {
        "groupBy": "text", "sum": "n", "avg": ["n"], "min": "n", "max": "n", "countDistinct": "n",
        "having": {"count": {"$gt": 1}}, "sort": "-sum_n",
    }  # fmt: skip
    status, body = await world.ask("POST", "entities/News/aggregate", spec)
    b = {"text": "b", "count": 2, "sum_n": 5, "avg_n": 5, "min_n": 5, "max_n": 5, "count_distinct_n": 1}
    a = {"text": "a", "count": 2, "sum_n": 3, "avg_n": 1.5, "min_n": 1, "max_n": 2, "count_distinct_n": 2}
    assert (status, body) == (200, {"rows": [b, a], "truncated": False})
    by_day = await world.ask(
        "POST", "entities/News/aggregate", {"dateBucket": {"field": "created_date", "unit": "day"}, "limit": 1}
    )
    assert by_day[1]["rows"][0]["count"] == 5


async def test_what_is_no_request_is_refused_and_nothing_breaks(world: World) -> None:
    for path in (
        "entities/News?q=[1]",
        'entities/News?q={"$where":"1"}',
        "entities/News?q={",
    ):
        assert (await world.ask("GET", path))[0] == 400, path
    assert (await world.ask("GET", "entities/Nothing"))[0:1] == (404,)
    assert await world.ask("GET", "entities/Nothing") == (404, {"error": 'Entity "Nothing" not found'})
    assert (await world.ask("POST", "entities/News", {"text": "a\0b"}))[0] == 400
    assert (await world.ask("GET", "entities/News", token="nonsense"))[0] == 401
    assert (await world.ask("GET", "/api/apps/ffffffffffffffffffffffff/entities/News"))[0] == 404
    assert (await world.ask("POST", "entities/News/bulk", {"a": 1}))[0] == 400
    assert (await world.ask("GET", "entities/News/count"))[1] == {"count": 0}
    await world.ask("POST", "entities/News", {"text": "a"})
    assert (await world.ask("GET", 'entities/News?q={"text":{"$regex":"("}}'))[0] == 400
