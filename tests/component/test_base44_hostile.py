"""What a hostile caller sends: nothing of it is a 500 or changes what is another's, and no file of theirs runs."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from base44_world import APP, OWN, World, base44_world, heard

from freehold.testing.database import FreshDatabase

CORE = "integration-endpoints/Core"
T = "entities/Task"
SCHEMAS: dict[str, dict[str, Any]] = {
    "Task": {
        "name": "Task",
        "type": "object",
        "properties": {"title": {"type": "string"}, "n": {"type": "number"}, "deep": {"type": "object"}},
        "rls": {"create": {"user_condition": {}}, "read": OWN, "update": OWN, "delete": OWN},
    },
    "Letter": {
        "name": "Letter",
        "type": "object",
        "properties": {
            "reader": {"type": "string"},
            "file": {"type": "string"},
            "secret": {"type": "string", "rls": {"read": {"user_condition": {"role": "admin"}}}},
        },
        "rls": {"create": {"user_condition": {}}, "read": {"$or": [OWN, {"data.reader": "{{user.email}}"}]}},
    },
}
QUOTES = (
    "'",
    '"',
    "\\",
    "';--",
    '") or true --',
    "$1",
    "a.b'c",
    "a..b",
    ".",
    "%",
    "{v}",
    "{0}",
    "::text",
    "\t",
    "ä",
    "",
)
TRAPS = ("$where", "$expr", "$function", "$jsonSchema", "$text", "$comment", "$lookup", "$or'", "$", "$$ROOT")
HTML = b"<script>document.title='taken'</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>document.title='taken'</script></svg>"


@pytest.fixture
async def world(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with base44_world(database, tmp_path, schemas=SCHEMAS) as found:
        yield found


def queries() -> Iterator[Any]:
    """Filters that smuggle SQL, operators that are none, and shapes that are too deep or too wide."""
    for text in QUOTES:
        yield {text: 1}
        yield {"title": text}
        yield {"title": {"$regex": text}}
        yield {"deep": {"$elemMatch": {text: {"$in": [text, 1, None, True, [], {}]}}}}
        yield {f"deep.{text}": {"$gte": text}}
        yield {text or "x": {"$elemMatch": {"{v}": 1}}}
        yield {f"unknown.{text}.0": {"$exists": True}}
    for name in TRAPS:
        yield {name: "sleep(1)"}
        yield {"title": {name: "x"}}
        yield {"$or": [{name: []}]}
    yield from (
        1,
        "x",
        [],
        None,
        True,
        [1],
        {"$or": []},
        {"$or": {}},
        {"$and": [1]},
        {"title": {"$in": 1}},
        {"n": {"$gt": {}}},
    )
    yield {"$or": [{"title": str(number)} for number in range(3000)]}
    yield {"n": {"$size": 10**30}}
    yield {"n": 10**400}
    yield {"title": "\x00"}
    deep: Any = {"title": "x"}
    for _ in range(100):
        deep = {"$and": [deep]}
    yield deep


async def test_no_query_reaches_anothers_record_or_breaks_the_server(world: World) -> None:
    (ann, _), (eve, _) = world.person("ann"), world.person("eve")
    assert (await world.ask("POST", T, {"title": "Ann's", "n": 1}, ann))[0] == 201
    wrong = []
    for query in queries():
        asked = quote(json.dumps(query))
        calls: list[tuple[str, str, Any]] = [
            ("GET", f"{T}?q={asked}", None),
            ("GET", f"{T}/count?q={asked}", None),
            ("GET", f"{T}/v2/list?q={asked}", None),
            ("PATCH", f"{T}/update-many", {"query": query, "data": {"$set": {"title": "taken"}}}),
            ("POST", f"{T}/aggregate", {"query": query}),
            ("DELETE", T, query),
        ]
        for method, path, body in calls:
            status, found = await world.ask(method, path, body, eve)
            if status not in (200, 400, 413, 414) or "Ann's" in str(found):
                wrong.append((method, path[:80], str(body)[:80], status, str(found)[:200]))
    assert not wrong, "\n".join(map(str, wrong))
    assert world.sql('select title from entities."Task"') == [("Ann's",)]


async def test_names_of_fields_are_never_read_as_sql(world: World) -> None:
    """Once a name could stand where a value was filled in later, outside of its quotes."""
    (ann, _), (eve, _) = world.person("ann"), world.person("eve")
    for token in (ann, eve):
        assert (await world.ask("POST", T, {"title": "one"}, token))[0] == 201
    all_titles = 'query_to_xml($$select title from entities."Task"$$, true, false, $$$$)::text'
    for run in ("(1 / 0)::text", f"set_config($$role$$, $$service_role$$, true)||{all_titles}"):
        for name in (f"||{run}||", f")||{run}||(", f"->> {run}) is null) or ((_more "):
            for query in ({name: {"$elemMatch": {"{v}": 1}}}, {f"deep.{name}": {"$elemMatch": {"{v}": 1}}}):
                found = await world.ask("GET", f"{T}?q={quote(json.dumps(query))}", token=eve)
                assert found == (200, []), (query, found)


async def test_no_other_parameter_breaks_the_server_either(world: World) -> None:
    eve, _ = world.person("eve")
    assert (await world.ask("POST", T, {"title": "Eve's", "n": 1}, eve))[0] == 201
    wrong = []
    for text in (*QUOTES, *TRAPS, "9" * 30, "9" * 5000, "²", "-1", "1e9", "null", "-n'", "n,title'"):
        encoded = quote(text)
        calls: list[tuple[str, str, Any]] = [
            ("GET", f"{T}?{name}={encoded}", None) for name in ("sort", "fields", "limit", "skip", "q")
        ]
        calls += [
            ("GET", f"{T}/v2/list?{name}={encoded}", None) for name in ("sort", "fields", "limit", "cursor", "distinct")
        ]
        calls += [
            ("POST", f"{T}/aggregate", {"groupBy": text, "sum": text}),
            ("POST", f"{T}/aggregate", {"groupBy": [text], "avg": [text], "orderBy": text, "limit": text}),
            ("POST", f"{T}/upsert", {"records": [{"title": "x"}], "key": text}),
            (
                "PATCH",
                f"{T}/update-many",
                {"query": {}, "data": {"$set": {f"x{text}": text}, "$rename": {"none": text}}},
            ),
            ("PATCH", f"{T}/update-many", {"query": {}, "data": {text: {"title": "x"}}}),
            ("POST", T, {"title": "x", f"k{text}": {text: [text]}}),
            ("GET", f"agents/conversations?q[{encoded}]=x&sort={encoded}&fields[]={encoded}", None),
            ("GET", f"entities/{encoded or 'x'}", None),
            ("GET", f"{T}/{encoded or 'x'}", None),
        ]
        for method, path, body in calls:
            status, found = await world.ask(method, path, body, eve)
            if status not in (200, 201, 400, 404, 405, 422):
                wrong.append((method, path[:80], str(body)[:80], status, str(found)[:200]))
    assert not wrong, "\n".join(map(str, wrong))
    assert world.sql("select count(*) from pg_tables where schemaname = 'entities'") == [(2,)]


async def test_long_paths_and_large_numbers_are_refused_or_held(world: World) -> None:
    eve, _ = world.person("eve")
    status, made = await world.ask("POST", T, {"title": "x", "n": 10**18, "deep": {"a": {"a": 1}}}, eve)
    assert status == 201
    far, nested = "deep" + ".a" * 5000, json.loads('{"a":' * 900 + "1" + "}" * 900)
    changes: tuple[Any, ...] = (
        {"$set": {far: 1}}, {"$unset": {far: 1}}, {"$inc": {far: 1}}, {"$push": {far: 1}}, {"$rename": {"title": far}},
        {"$mul": {"n": 10**18}}, {"$inc": {"n": 2**63}}, {"$mul": {"n": 1e308}}, {"$set": {"n": 10**40}},
        {"$set": {"deep": nested}}, {"$max": {"deep": [1]}}, {"$min": {"n": "x"}},
        {"$pull": {"title": {"$in": [nested]}}},
        {"$push": {"list": {"$each": [nested] * 50}}}, {"$addToSet": {"list": {"$each": [1, True, nested]}}},
    )  # fmt: skip
    calls: list[tuple[str, str, Any]] = [
        ("PATCH", f"{T}/update-many", {"query": {"id": made["id"]}, "data": change}) for change in changes
    ]
    calls += [("PATCH", f"{T}/update-many", {"query": {far: 1}, "data": {"$set": {"title": "y"}}})]
    calls += [("DELETE", T, {far: {"$gt": 1}}), ("POST", T, {"title": "x", "deep": nested}), ("POST", T, nested)]
    calls += [("POST", f"{T}/upsert", {"records": [{"title": "x", "deep": nested}], "key": "deep"})]
    calls += [("POST", f"{T}/aggregate", {"groupBy": far}), ("PUT", f"{T}/{made['id']}", {"n": 10**400})]
    calls += [
        ("GET", f"{T}?sort={far[:7000]}&fields={far[:7000]}", None),
        ("POST", f"{T}/bulk", [{"title": "x"}] * 5001),
    ]
    wrong = []
    for method, path, body in calls:
        status, found = await world.ask(method, path, body, eve)
        if status not in (200, 201, 400, 404, 413, 422):
            wrong.append((method, path[:60], str(body)[:80], status, str(found)[:200]))
    assert not wrong, "\n".join(map(str, wrong))
    assert (await world.ask("GET", f"{T}/{made['id']}", token=eve))[0] == 200


async def test_nobody_becomes_the_maker_of_anothers_record(world: World) -> None:
    (ann, ann_id), (eve, eve_id) = world.person("ann"), world.person("eve")
    status, victim = await world.ask("POST", T, {"title": "Ann's"}, ann)
    forged = {
        "title": "x",
        "id": victim["id"],
        "created_by": "ann@example.com",
        "created_by_id": ann_id,
        "_more": {"a": 1},
    }
    forged |= {"created_date": "2000-01-01", "updated_date": "2000-01-01", "is_sample": True}
    status, made = await world.ask("POST", T, forged, eve)
    assert (status, made["created_by_id"], made["created_by"]) == (201, eve_id, "eve@example.com")
    assert made["id"] != victim["id"]
    calls: tuple[tuple[str, str, Any], ...] = (
        ("PUT", f"{T}/{made['id']}", forged),
        ("PUT", f"{T}/bulk", [forged | {"id": made["id"]}]),
        ("POST", f"{T}/bulk", [forged]),
        ("POST", f"{T}/upsert", {"records": [forged], "key": "title"}),
        (
            "PATCH",
            f"{T}/update-many",
            {"query": {}, "data": {"$set": {"created_by_id": ann_id, "created_by": "ann@example.com"}}},
        ),
        ("PATCH", f"{T}/update-many", {"query": {}, "data": {"$rename": {"title": "created_by_id"}}}),
        ("PATCH", f"{T}/update-many", {"query": {}, "data": {"$unset": {"created_by_id": 1}}}),
    )
    for method, path, body in calls:
        status, found = await world.ask(method, path, body, eve)
        assert status in (200, 201, 400, 403, 422), (method, path, status, found)
    rows = world.sql('select id, created_by_id from entities."Task" where created_by_id is distinct from %s', eve_id)
    assert rows == [(victim["id"], ann_id)]
    assert [row["title"] for row in (await world.ask("GET", T, token=ann))[1]] == ["Ann's"]


async def test_a_file_runs_nothing_on_the_apps_origin(world: World) -> None:
    eve, _ = world.person("eve")
    for name, kind, content in (
        ("a.html", "text/html", HTML),
        ("a.svg", "image/svg+xml", SVG),
        ("a.xhtml", "application/xhtml+xml", HTML),
        ("../../a.html", "TEXT/HTML; charset=x", HTML),
        ('a".html', "no/thing", HTML),
    ):
        public = await uploaded(world, eve, "UploadFile", name, kind, content)
        private = await uploaded(world, eve, "UploadPrivateFile", name, kind, content)
        status, signed = await world.ask("POST", f"{CORE}/CreateFileSignedUrl", {"file_uri": private["file_uri"]}, eve)
        assert status == 200
        for address in (public["file_url"], signed["signed_url"]):
            async with world.http.get(address) as answer:
                assert (answer.status, await answer.read()) == (200, content)
                assert answer.headers["x-content-type-options"] == "nosniff"
                is_shown = answer.content_type in ("text/html", "application/xhtml+xml", "image/svg+xml")
                assert not is_shown or "sandbox" in answer.headers["content-security-policy"], (name, answer.headers)
        assert ".." not in public["file_url"]


async def test_a_private_file_is_read_by_its_own_signature_only_and_while_it_lasts(world: World) -> None:
    (ann, ann_id), (eve, eve_id) = world.person("ann"), world.person("eve")
    first, second = [
        (await uploaded(world, ann, "UploadPrivateFile", name, "text/plain", name.encode()))["file_uri"]
        for name in ("first.txt", "second.txt")
    ]
    assert first.startswith(f"{ann_id}/")
    sign = f"{CORE}/CreateFileSignedUrl"
    for uri in (
        first,
        f"{eve_id}/../{first}",
        f"{eve_id}/%2e%2e/{first}",
        f"/{first}",
        f"{first}/",
        "",
        None,
        1,
        ["x"],
    ):
        status, _ = await world.ask("POST", sign, {"file_uri": uri}, eve)
        assert status in (400, 403, 404), uri
    url = (await world.ask("POST", sign, {"file_uri": first, "expires_in": 10**9}, ann))[1]["signed_url"]
    token = url.partition("token=")[2]
    lasts = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert lasts["exp"] - lasts["iat"] <= 7 * 86400
    storage = f"{world.url}/storage/v1/object"
    assert await status_of(world.http, url) == 200
    for other in (
        url.partition("?")[0],
        url[:-2],
        url.replace(first, second),
        f"{storage}/public/base44-private/{first}",
        f"{storage}/authenticated/base44-private/{first}",
        f"{storage}/base44-private/{first}",
        f"{storage}/info/base44-private/{first}",
        f"{storage}/public/base44-public/..%2fbase44-private/{first}",
    ):
        assert await status_of(world.http, other) >= 400, other
        assert await status_of(world.http, other, eve) >= 400, other
    short = (await world.ask("POST", sign, {"file_uri": first, "expires_in": -5}, ann))[1]["signed_url"]
    async with asyncio.timeout(60):
        while await status_of(world.http, short) == 200:  # noqa: ASYNC110 - nothing tells of an end
            await asyncio.sleep(0.1)


async def test_a_private_file_is_shown_by_its_uploaders_records_to_those_who_may_read_them(world: World) -> None:
    people = {name: world.person(name) for name in ("ann", "ben", "eve")}
    (ann, ann_id), (ben, _), (eve, _) = people.values()
    uri = (await uploaded(world, ann, "UploadPrivateFile", "x.txt", "text/plain", b"x"))["file_uri"]
    asked = {"file_uri": uri}
    note = {"reader": "ben@example.com", "file": uri, "files": [{"at": uri}]}
    for owner in (ben, eve):  # they know the name, and write it into records of their own
        assert (await world.ask("POST", "entities/Letter", note, owner))[0] == 201
    for reader in (ben, eve):
        assert (await world.ask("POST", f"{CORE}/CreateFileSignedUrl", asked, reader))[0] == 403
    assert (await world.ask("POST", "entities/Letter", {"reader": "ben@example.com", "secret": uri}, ann))[0] == 201
    assert (await world.ask("POST", f"{CORE}/CreateFileSignedUrl", asked, ben))[0] == 403
    assert (await world.ask("POST", "entities/Letter", note, ann))[0] == 201
    status, found = await world.ask("POST", f"{CORE}/CreateFileSignedUrl", asked, ben)
    assert (status, await status_of(world.http, found["signed_url"])) == (200, 200)
    for token in (eve, ""):
        assert (await world.ask("POST", f"{CORE}/CreateFileSignedUrl", asked, token))[0] in (401, 403)
    for odd in (f"{ann_id}/", f'{uri}"', f"{uri}%", uri[:-1]):
        assert (await world.ask("POST", f"{CORE}/CreateFileSignedUrl", {"file_uri": odd}, ben))[0] == 403


async def test_no_frame_of_a_socket_reaches_others_or_breaks_it(world: World) -> None:
    (ann, _), (eve, _) = world.person("ann"), world.person("eve")
    at = f"{world.url}/ws-user-apps/socket.io/?EIO=4&transport=websocket&app_id={APP}&token="
    room = f"entities:{APP}:Task"
    odd = (
        "42[",
        "42{}",
        "42[1]",
        '42["join"]',
        '42["join",{}]',
        '42["join",null]',
        '42["leave","never"]',
        "9",
        "",
        "{",
        "42" + "[" * 5000,
    )
    many = [json.dumps(["join", f"entities:{APP}:None{number}"]) for number in range(150)]
    async with world.http.ws_connect(at + eve) as hers, world.http.ws_connect(at + ann) as anns:
        for frame in (*odd, *(f"42{event}" for event in many), f'42["join","{"x" * 400}"]'):
            await hers.send_str(frame)
        for socket in (hers, anns):
            await socket.send_str("40")
        await anns.send_str(f'421["join","{room}"]')
        assert await heard(anns, "431") == "431[]"
        assert (await world.ask("POST", T, {"title": "Ann's"}, ann))[0] == 201
        assert "Ann's" in await heard(anns, "42")
        assert (await heard(hers, "40")).startswith("40")
        await hers.send_str("42" + "x" * 70_000)
        async with asyncio.timeout(60):
            async for message in hers:  # until the server lets it go
                assert "Ann's" not in str(message.data)
    for token in ("x", eve[:-2], "eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0."):
        async with world.http.ws_connect(at + token) as socket:
            assert "Unauthorized" in await heard(socket, "44")


async def test_files_and_bodies_that_are_nested_without_end_are_refused(world: World) -> None:
    eve, _ = world.person("eve")
    key = {"apikey": world.settings.publishable_key, "content-type": "application/json"}
    async with world.http.post(f"{world.url}/storage/v1/object/list/x", data=b"[" * 100_000, headers=key) as answer:
        assert answer.status == 400
    for name, content in (
        ("a.json", b"[" * 100_000),
        ("a.json", b'{"a":' * 900 + b"1" + b"}" * 900),
        ("a.csv", b"n\n" + b"[" * 100_000 + b"\n"),
    ):
        url = (await uploaded(world, eve, "UploadFile", name, "text/plain", content))["file_url"]
        schema = {"type": "object", "properties": {"n": {"type": "number"}}}
        asked = {"file_url": url, "json_schema": schema}
        status, found = await world.ask("POST", f"{CORE}/ExtractDataFromUploadedFile", asked, eve)
        assert status in (200, 400, 422), (name, status, found)
        form = aiohttp.FormData()
        form.add_field("file", content, filename=name)
        headers = {"authorization": f"Bearer {eve}"}
        async with world.http.post(world.api(f"{T}/import"), data=form, headers=headers) as answer:
            assert answer.status in (200, 400, 422), (name, await answer.text())


async def uploaded(  # noqa: PLR0917 - the parts of a form
    world: World, token: str, call: str, name: str, kind: str, content: bytes
) -> dict[str, Any]:
    form = aiohttp.FormData()
    form.add_field("file", content, filename=name, content_type=kind)
    headers = {"authorization": f"Bearer {token}"}
    async with world.http.post(world.api(f"{CORE}/{call}"), data=form, headers=headers) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


async def status_of(http: aiohttp.ClientSession, address: str, token: str = "") -> int:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with http.get(address, headers=headers) as answer:
        return answer.status
