"""Bytes under load, accidents and attacks: an object is there whole or not at all."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from storage_world import ANN, BEN, FILE_SIZE_LIMIT, OWN_FOLDER, World, storage_world

from freehold.core.secret import Secret
from freehold.kit.objects.folder import FolderStore
from freehold.kit.objects.store import object_key
from freehold.runtime.database import DatabaseError
from freehold.runtime.storage.call import Depot
from freehold.runtime.storage.sweep import UNNAMED_AT_MOST, SweepRefused, sweep
from freehold.runtime.storage.tokens import Tokens
from freehold.testing.database import FreshDatabase


@pytest.fixture
async def world(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with storage_world(database, tmp_path / "storage") as world:
        world.bucket("files")
        world.bucket("open", public=True)
        world.sql(OWN_FOLDER)
        yield world


class Paused:
    """An upload that stops in its middle until it is told to go on."""

    def __init__(self, content: bytes = b"x" * 100_000) -> None:
        self.content = content
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content
        self.begun.set()
        await self.go_on.wait()
        yield self.content


async def until(true: Callable[[], bool]) -> None:
    """Wait for what another task will do; the test's own limit is the only one."""
    while not true():  # noqa: ASYNC110 - it happens on disk, where nothing can be awaited
        await asyncio.sleep(0.01)


def depot(world: World) -> Depot:
    return Depot(world.services.storage, FolderStore(world.folder), Tokens(Secret("x" * 32)), FILE_SIZE_LIMIT)


async def test_of_many_uploads_to_one_new_name_exactly_one_wins(world: World) -> None:
    answers = await asyncio.gather(*(world.upload("ann", f"files/{ANN}/a", b"%d" % number) for number in range(12)))
    winners = [number for number, answer in enumerate(answers) if answer.status == 200]
    assert len(winners) == 1
    assert {answer.code for answer in answers if answer.status != 200} == {"KeyAlreadyExists"}
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/a")).body == b"%d" % winners[0]
    assert len(world.files()) == 1


async def test_of_many_overwrites_one_stays_whole(world: World) -> None:
    contents = [bytes([number]) * 50_000 for number in range(10)]
    answers = await asyncio.gather(*(world.upload("ann", f"files/{ANN}/a", item, x_upsert="true") for item in contents))
    assert {answer.status for answer in answers} == {200}
    read = await world.ask("ann", "GET", f"/object/files/{ANN}/a")
    assert read.body in contents
    assert read.headers["etag"] == world.sql("select metadata->>'eTag' from storage.objects")[0][0]
    assert len(world.files()) == 1


async def test_reading_deleting_moving_and_overwriting_at_once_never_shows_a_part(world: World) -> None:
    contents = [bytes([number]) * 60_000 for number in range(8)]
    moves = [(f"{ANN}/a", f"{ANN}/b"), (f"{ANN}/b", f"{ANN}/a")] * 4
    reads = [world.ask("ann", "GET", f"/object/files/{ANN}/{name}") for name in "ab" * 8]
    writes = [world.upload("ann", f"files/{ANN}/a", item, x_upsert="true") for item in contents]
    turns = [
        world.ask("ann", "POST", "/object/move", json={"bucketId": "files", "sourceKey": one, "destinationKey": other})
        for one, other in moves
    ]
    deletes = [world.ask("ann", "DELETE", f"/object/files/{ANN}/a") for _ in range(4)]
    answers = await asyncio.gather(*writes, *turns, *reads, *deletes)
    assert {answer.status for answer in answers} <= {200, 400}
    seen = [answer for answer in answers[len(writes) + len(turns) : -len(deletes)] if answer.status == 200]
    assert all(answer.body in contents for answer in seen)
    assert {answer.code for answer in answers} <= {"", "NoSuchKey", "KeyAlreadyExists", "AccessDenied"}
    assert len(world.files()) == world.sql("select count(*) from storage.objects")[0][0]


async def test_a_client_that_goes_away_leaves_nothing(world: World) -> None:
    paused = Paused(b"x" * 300_000)
    task = asyncio.create_task(world.upload("ann", f"files/{ANN}/a", paused))
    await paused.begun.wait()
    await until(lambda: len(world.files()) == 1)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await until(lambda: world.files() == [])
    assert world.sql("select * from storage.objects") == []


async def test_the_old_object_is_served_until_the_new_one_is_whole(world: World) -> None:
    await world.upload("ann", f"files/{ANN}/a", b"old")
    paused = Paused(b"new")
    task = asyncio.create_task(world.upload("ann", f"files/{ANN}/a", paused, x_upsert="true"))
    await paused.begun.wait()
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/a")).body == b"old"
    paused.go_on.set()
    assert (await task).status == 200
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/a")).body == b"newnew"
    assert len(world.files()) == 1


async def test_who_may_not_upload_is_told_before_the_bytes_come(world: World) -> None:
    paused = Paused()
    async with asyncio.timeout(20):
        answer = await world.upload("ben", f"files/{ANN}/a", paused)
    assert answer.code == "AccessDenied"
    assert not paused.go_on.is_set()
    assert world.files() == []


async def test_a_right_that_is_lost_while_uploading_is_lost(world: World) -> None:
    paused = Paused()
    task = asyncio.create_task(world.upload("ann", f"files/{ANN}/a", paused))
    await paused.begun.wait()
    await until(lambda: len(world.files()) == 1)
    world.sql('drop policy "own folder" on storage.objects')
    paused.go_on.set()
    assert (await task).code == "AccessDenied"
    assert world.files() == []


async def test_nobody_replaces_what_came_while_they_were_uploading(world: World) -> None:
    world.sql("create policy letters on storage.objects for insert to anon with check (bucket_id = 'open')")
    world.sql("create policy read on storage.objects for select to anon using (bucket_id = 'open')")
    paused = Paused(b"evil")
    task = asyncio.create_task(world.upload("anon", "open/a", paused, x_upsert="true"))
    await paused.begun.wait()
    await until(lambda: len(world.files()) == 1)
    await world.upload("service", "open/a", b"rightful")
    paused.go_on.set()
    assert (await task).code == "AccessDenied"
    assert (await world.ask("nobody", "GET", "/object/public/open/a")).body == b"rightful"
    assert len(world.files()) == 1


@pytest.mark.parametrize("bucket_limit", [None, 1000])
async def test_too_many_bytes_are_refused_wherever_they_show(world: World, bucket_limit: int | None) -> None:
    world.sql("update storage.buckets set file_size_limit = %s", bucket_limit)
    limit = bucket_limit or FILE_SIZE_LIMIT

    async def unannounced(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // 500):
            yield b"x" * 500
        yield b"x" * (size % 500)

    def form(size: int) -> aiohttp.FormData:
        data = aiohttp.FormData(default_to_multipart=True)
        data.add_field("", b"x" * size, filename="blob")
        return data

    for data in (b"x" * (limit + 1), unannounced(limit + 1), form(limit + 1)):
        answer = await world.ask("ann", "POST", f"/object/files/{ANN}/a", data=data)
        assert (answer.status, answer.json["statusCode"], answer.json["error"]) == (400, "413", "Payload too large")
    assert world.files() == []
    for name, data in (("a", b"x" * limit), ("b", unannounced(limit)), ("c", form(limit))):
        assert (await world.ask("ann", "POST", f"/object/files/{ANN}/{name}", data=data)).status == 200


async def test_a_folder_placeholder_is_empty(world: World) -> None:
    assert (await world.upload("ann", f"files/{ANN}/x/.emptyFolderPlaceholder", b"")).status == 200
    assert (await world.upload("ann", f"files/{ANN}/y/.emptyFolderPlaceholder", b"x")).code == "EntityTooLarge"


async def test_types_that_the_bucket_does_not_take_are_refused(world: World) -> None:
    world.sql("update storage.buckets set allowed_mime_types = '{image/*}'")
    answer = await world.upload("ann", f"files/{ANN}/a.txt")
    assert (answer.json["statusCode"], answer.json["message"]) == ("415", "mime type text/plain is not supported")
    assert (await world.upload("ann", f"files/{ANN}/a.png", content_type="image/png")).status == 200


async def test_parts_and_conditions_are_answered_as_http_has_them(world: World) -> None:
    await world.upload("ann", f"files/{ANN}/a", b"0123456789")
    path = f"/object/authenticated/files/{ANN}/a"
    whole = await world.ask("ann", "GET", path)
    part = await world.ask("ann", "GET", path, headers={"range": "bytes=2-4"})
    assert (part.status, part.body, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    beyond = await world.ask("ann", "GET", path, headers={"range": "bytes=10-"})
    assert (beyond.status, beyond.json["statusCode"]) == (416, "416")
    for header, value in (
        ("if-none-match", whole.headers["etag"]),
        ("if-modified-since", whole.headers["last-modified"]),
    ):
        same = await world.ask("ann", "GET", path, headers={header: value})
        assert (same.status, same.body, same.headers["etag"]) == (304, b"", whole.headers["etag"])
    head = await world.ask("ann", "HEAD", path)
    assert (head.status, head.body) == (200, b"")
    for name in ("content-length", "content-type", "etag", "last-modified", "cache-control", "accept-ranges"):
        assert head.headers[name] == whole.headers[name]
    missing = await world.ask("ann", "HEAD", path + "x")
    assert (missing.status, missing.body) == (400, b"")


async def test_a_download_gets_the_name_that_is_asked_for_and_no_header_more(world: World) -> None:
    await world.upload("ann", f"files/{ANN}/a")
    path = f"/object/files/{ANN}/a"
    plain = await world.ask("ann", "GET", path, params={"download": ""})
    assert plain.headers["content-disposition"] == "attachment;"
    named = await world.ask("ann", "GET", path, params={"download": 'm y"\r\nx: y;ü.txt'})
    encoded = "m%20y%22%0D%0Ax%3A%20y%3B%C3%BC.txt"
    assert named.headers["content-disposition"] == f"attachment; filename={encoded}; filename*=UTF-8''{encoded}"
    assert "x" not in named.headers


async def test_a_stored_page_cannot_act_on_the_apps_origin(world: World) -> None:
    for name, mime_type in (("a.html", "text/html"), ("a.svg", "image/svg+xml"), ("a.xml", "application/xml")):
        await world.upload("service", f"open/{name}", b"<script>alert(1)</script>", content_type=mime_type)
        answer = await world.ask("nobody", "GET", f"/object/public/open/{name}")
        assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-type"] != "text/html"
    worker = await world.ask("nobody", "GET", "/object/public/open/a.html", headers={"service-worker": "script"})
    assert worker.code == "AccessDenied"


async def test_what_a_row_says_cannot_break_the_headers(world: World) -> None:
    await world.upload("service", "open/a")
    world.sql("""update storage.objects set metadata = metadata || '{"mimetype": "text/plain\\r\\nset-cookie: x=1",
        "cacheControl": "max-age=1\\nx: y", "eTag": 7, "size": "many"}'""")
    answer = await world.ask("nobody", "GET", "/object/public/open/a")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["cache-control"] == "no-cache"
    assert "set-cookie" not in answer.headers


async def test_a_signed_url_opens_its_object_to_anybody_until_it_expires(world: World) -> None:
    await world.upload("ann", f"files/{ANN}/a b?.txt".replace("?", "%3F"), b"shared")
    answer = await world.ask("ann", "POST", f"/object/sign/files/{ANN}/a b%3F.txt", json={"expiresIn": 60})
    url = answer.json["signedURL"]
    opened = await world.ask("nobody", "GET", url)
    assert (opened.body, "cache-control" in opened.headers, "expires" in opened.headers) == (b"shared", False, True)
    elsewhere = url.replace(f"files/{ANN}", f"files/{BEN}")
    assert (await world.ask("nobody", "GET", elsewhere)).code == "InvalidSignature"
    assert (await world.ask("nobody", "GET", url.partition("?")[0])).json["error"] == "Error"
    assert (
        await world.ask("nobody", "PUT", url.replace("/object/", "/object/upload/"), data=b"x")
    ).code == "InvalidSignature"
    assert (
        await world.ask("ann", "POST", f"/object/sign/files/{ANN}/a", json={"expiresIn": 0})
    ).code == "InvalidRequest"


async def test_a_signed_upload_is_the_signers(world: World) -> None:
    answer = await world.ask("ann", "POST", f"/object/upload/sign/files/{ANN}/a")
    sent = await world.ask("nobody", "PUT", answer.json["url"], data=b"by a friend")
    assert sent.json == {"Key": f"files/{ANN}/a"}
    assert world.sql("select owner_id from storage.objects") == [(ANN,)]
    again = await world.ask("nobody", "PUT", answer.json["url"], data=b"twice")
    assert (again.json["statusCode"], again.json["error"]) == ("409", "Duplicate")
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/a")).body == b"by a friend"


async def test_a_row_without_its_bytes_says_so(world: World) -> None:
    await world.upload("ann", f"files/{ANN}/a")
    world.files()[0].unlink()
    answer = await world.ask("ann", "GET", f"/object/files/{ANN}/a")
    assert (answer.status, answer.json["statusCode"], answer.headers["cache-control"]) == (400, "404", "no-store")


async def test_rows_of_a_dump_without_version_or_metadata_are_served(world: World) -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"from a dump"

    world.sql("insert into storage.objects (bucket_id, name) values ('open', 'a')")
    await FolderStore(world.folder).put(object_key("open", "a", ""), content())
    answer = await world.ask("nobody", "GET", "/object/public/open/a")
    assert (answer.status, answer.body, answer.headers["content-type"]) == (
        200,
        b"from a dump",
        "application/octet-stream",
    )


async def test_the_sweep_takes_what_no_row_names_and_nothing_else(world: World) -> None:
    async def orphan() -> AsyncIterator[bytes]:
        yield b"orphan"

    for number in range(3):
        await world.upload("ann", f"files/{ANN}/{number}")
    await FolderStore(world.folder).put(object_key("files", "gone", "1"), orphan())
    assert await sweep(depot(world)) == 0
    assert await sweep(depot(world), grace_seconds=-1) == 1
    assert len(world.files()) == 3
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/0")).status == 200


async def test_the_sweep_stops_where_a_policy_would_hide_rows(world: World) -> None:
    await world.upload("ann", f"files/{ANN}/a")
    world.sql("alter table storage.objects force row level security")
    with pytest.raises(DatabaseError):
        await sweep(depot(world), grace_seconds=-1)
    assert len(world.files()) == 1


async def test_the_sweep_does_nothing_where_the_database_looks_like_another_one(world: World) -> None:
    async def orphan() -> AsyncIterator[bytes]:
        yield b"orphan"

    for number in range(UNNAMED_AT_MOST + 1):
        await FolderStore(world.folder).put(object_key("files", str(number), "1"), orphan())
    with pytest.raises(SweepRefused):
        await sweep(depot(world), grace_seconds=-1)
    assert len(world.files()) == UNNAMED_AT_MOST + 1


async def test_emptying_a_bucket_is_for_the_service_and_takes_all(world: World) -> None:
    for number in range(5):
        await world.upload("ann", f"files/{ANN}/{number}")
    refused = await world.ask("ann", "POST", "/bucket/files/empty")
    assert (refused.status, refused.code) == (403, "AccessDenied")
    full = await world.ask("service", "DELETE", "/bucket/files")
    assert (full.code, full.json["statusCode"]) == ("ResourceNotEmpty", "409")
    assert (await world.ask("service", "POST", "/bucket/files/empty")).status == 200
    assert world.files() == []
    assert (await world.ask("service", "DELETE", "/bucket/files")).json == {"message": "Successfully deleted"}


async def test_a_big_object_streams_through(world: World) -> None:
    content = bytes(range(256)) * (FILE_SIZE_LIMIT // 256)
    assert (await world.upload("ann", f"files/{ANN}/a", content)).status == 200
    read = await world.ask("ann", "GET", f"/object/files/{ANN}/a")
    assert read.body == content
