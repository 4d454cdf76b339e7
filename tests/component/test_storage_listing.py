"""Lists of objects and buckets: folders, pages, order, search."""

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path
from typing import Any

import nested
import pytest
from storage_world import World, storage_world

from freehold.testing.database import FreshDatabase

NAMES = ["a.txt", "b/1.txt", "b/2.txt", "b/c/3.txt", "d_1.txt", "dx1.txt", "é.txt", "100%.txt"]


@pytest.fixture
async def world(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with storage_world(database, tmp_path / "storage") as world:
        world.bucket("files")
        for number, name in enumerate(NAMES):
            world.sql(
                "insert into storage.objects (bucket_id, name, version, metadata, created_at)"
                " values ('files', %s, '1', '{\"size\": 1}', timestamptz '2026-01-01' + %s * interval '1 second')",
                name,
                len(NAMES) - number,
            )
        yield world


async def listed(world: World, **body: Any) -> list[str]:
    answer = await world.ask("service", "POST", "/object/list/files", json={"prefix": "", **body})
    assert answer.status == 200, answer
    return [item["name"] for item in answer.json]


async def pages(world: World, **body: Any) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        sent = body | ({"cursor": cursor} if cursor else {})
        answer = await world.ask("service", "POST", "/object/list-v2/files", json=sent)
        assert answer.status == 200, answer
        page = answer.json
        found += sorted(item["name"] for item in page["folders"] + page["objects"])
        if not page["hasNext"]:
            return found
        cursor = page["nextCursor"]


async def test_a_folder_is_an_entry_without_an_id(world: World) -> None:
    answer = await world.ask("service", "POST", "/object/list/files", json={"prefix": "b"})
    assert [(item["name"], item["id"] is None) for item in answer.json] == [
        ("1.txt", False),
        ("2.txt", False),
        ("c", True),
    ]
    assert answer.json[2]["metadata"] is None
    assert answer.json[0]["created_at"].endswith("Z")


async def test_limit_and_offset_cut_a_page(world: World) -> None:
    everything = await listed(world)
    assert await listed(world, limit=2, offset=1) == everything[1:3]


async def test_a_list_is_sorted_as_asked(world: World) -> None:
    oldest_first = await listed(world, sortBy={"column": "created_at", "order": "asc"})
    newest_first = await listed(world, sortBy={"column": "created_at", "order": "desc"})
    files = [name for name in NAMES if "/" not in name]
    assert [name for name in newest_first if name != "b"] == files
    assert [name for name in oldest_first if name != "b"] == files[::-1]


@pytest.mark.parametrize("order", [{}, {"sortBy": {"column": "created_at"}}])
async def test_wildcards_in_a_search_are_letters(world: World, order: dict[str, Any]) -> None:
    assert await listed(world, search="d_", **order) == ["d_1.txt"]
    assert await listed(world, search="100%", **order) == ["100%.txt"]


async def test_pages_show_every_key_once_in_every_order(world: World) -> None:
    for column, order, limit in product(("name", "created_at", "updated_at"), ("asc", "desc"), (1, 3)):
        found = await pages(world, limit=limit, sortBy={"column": column, "order": order})
        assert sorted(found) == sorted(NAMES), (column, order, limit)


async def test_pages_with_folders_show_every_folder_once(world: World) -> None:
    for order in ("asc", "desc"):
        found = await pages(world, limit=2, with_delimiter=True, sortBy={"column": "name", "order": order})
        assert sorted(found) == sorted(["b/", *(name for name in NAMES if "/" not in name)]), order


async def test_pages_stay_below_their_prefix(world: World) -> None:
    assert await pages(world, prefix="b/") == ["b/1.txt", "b/2.txt", "b/c/3.txt"]
    assert await pages(world, prefix="d_") == ["d_1.txt"]
    assert await pages(world, prefix="b/", with_delimiter=True) == ["b/1.txt", "b/2.txt", "b/c/"]


BAD_LISTS: tuple[dict[str, Any], ...] = (
    {"limit": 0},
    {"limit": "many"},
    {"limit": "9" * 5000},
    {"offset": -1},
    {"sortBy": {"column": "owner; drop table storage.objects"}},
    {"sortBy": {"column": "name", "order": "asc; select 1"}},
    {"sortBy": "name"},
    {"search": 7},
    {"prefix": "a\0"},
)


async def test_a_list_that_cannot_be_read_is_refused(world: World) -> None:
    for body in BAD_LISTS:
        answer = await world.ask("service", "POST", "/object/list/files", json={"prefix": ""} | body)
        assert (answer.status, answer.json["error"]) == (400, "Error"), body


async def test_a_made_up_cursor_is_refused(world: World) -> None:
    unknown_column = "eyJuYW1lIjoiYSIsInZhbHVlIjoiIiwiY29sdW1uIjoiaWQiLCJvcmRlciI6ImFzYyJ9"
    for cursor in ("x", "e30=", unknown_column, "bm90IGpzb24=", nested.base64_text() + "=="):
        answer = await world.ask("service", "POST", "/object/list-v2/files", json={"cursor": cursor})
        assert answer.code == "InvalidParameter", cursor


async def test_buckets_are_made_changed_found_and_deleted(world: World) -> None:
    made = await world.ask(
        "service", "POST", "/bucket", json={"name": "photos", "public": True, "file_size_limit": "1kb"}
    )
    assert made.json == {"name": "photos"}
    again = await world.ask("service", "POST", "/bucket", json={"name": "photos"})
    assert (again.code, again.json["statusCode"], again.json["error"]) == ("BucketAlreadyExists", "409", "Duplicate")
    await world.ask("service", "PUT", "/bucket/photos", json={"allowed_mime_types": ["image/*"]})
    bucket = (await world.ask("service", "GET", "/bucket/photos")).json
    assert (bucket["public"], bucket["file_size_limit"], bucket["allowed_mime_types"]) == (True, 1000, ["image/*"])
    await world.ask("service", "PUT", "/bucket/photos", json={"allowed_mime_types": None, "file_size_limit": None})
    bucket = (await world.ask("service", "GET", "/bucket/photos")).json
    assert (bucket["public"], bucket["file_size_limit"], bucket["allowed_mime_types"]) == (True, None, None)
    found = (await world.ask("service", "GET", "/bucket?search=hot&sortColumn=name&sortOrder=desc&limit=5")).json
    assert [(item["id"], item["type"]) for item in found] == [("photos", "STANDARD")]
    old = await world.ask("service", "GET", "/bucket?search=hot", headers={"x-client-info": "supabase-py/2.17.0"})
    assert "type" not in old.json[0]
    assert (await world.ask("service", "DELETE", "/bucket/photos")).json == {"message": "Successfully deleted"}
    assert (await world.ask("service", "GET", "/bucket/photos")).code == "NoSuchBucket"


BAD_BUCKETS: tuple[tuple[object, str], ...] = (
    ({}, "InvalidRequest"),
    ({"name": "a/b"}, "InvalidBucketName"),
    ({"name": " a"}, "InvalidBucketName"),
    ({"name": "a", "public": "yes"}, "InvalidRequest"),
    ({"name": "a", "file_size_limit": "10GB"}, "EntityTooLarge"),
    ({"name": "a", "allowed_mime_types": ["no type"]}, "InvalidMimeType"),
    ({"name": "a", "type": "ANALYTICS"}, "FeatureNotEnabled"),
    (["a"], "InvalidRequest"),
)


async def test_a_bucket_that_cannot_be_is_refused(world: World) -> None:
    for body, code in BAD_BUCKETS:
        assert (await world.ask("service", "POST", "/bucket", json=body)).code == code, body
    assert (await world.ask("service", "PUT", "/bucket/files", json={})).code == "InvalidRequest"
    for count in ("many", "0", "9" * 5000):
        assert (await world.ask("service", "GET", f"/bucket?limit={count}")).status == 400, count


NOT_SERVED = (
    ("POST", "/upload/resumable", "Resumable"),
    ("PATCH", "/upload/resumable/abc", "Resumable"),
    ("GET", "/s3/files", "S3"),
    ("GET", "/render/image/public/files/a.png?width=100", "Image transformations"),
)


async def test_what_is_not_served_says_so(world: World) -> None:
    for method, path, word in NOT_SERVED:
        answer = await world.ask("service", method, path)
        assert (answer.status, answer.code) == (400, "FeatureNotEnabled")
        assert word in answer.json["message"]


async def test_an_unknown_route_is_404(world: World) -> None:
    answer = await world.ask("service", "GET", "/nothing/here")
    assert (answer.status, answer.json["error"]) == (404, "Not Found")
