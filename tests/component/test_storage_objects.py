"""Objects under the app's policies: what two users and a stranger can do to each other's files."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from storage_world import ANN, ANON_KEY, BEN, OWN_FOLDER, World, signed, storage_world
from yarl import URL

from freehold.testing.database import FreshDatabase


@pytest.fixture
async def world(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with storage_world(database, tmp_path / "storage") as world:
        world.bucket("files")
        world.bucket("open", public=True)
        world.sql(OWN_FOLDER)
        yield world


async def test_what_a_user_uploads_comes_back_and_its_row_says_what_it_is(world: World) -> None:
    answer = await world.upload("ann", f"files/{ANN}/a.txt", b"hello", cache_control="max-age=60")
    assert answer.status == 200
    assert answer.json["Key"] == f"files/{ANN}/a.txt"
    [(identity, owner, owner_id, metadata)] = world.sql(
        "select id::text, owner::text, owner_id, metadata from storage.objects"
    )
    assert (answer.json["Id"], owner, owner_id) == (identity, ANN, ANN)
    assert metadata["eTag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert (metadata["size"], metadata["mimetype"], metadata["cacheControl"]) == (5, "text/plain", "max-age=60")
    read = await world.ask("ann", "GET", f"/object/authenticated/files/{ANN}/a.txt")
    assert (read.status, read.body) == (200, b"hello")
    assert read.headers["etag"] == metadata["eTag"]
    assert read.headers["cache-control"] == "max-age=60"


async def test_the_path_on_disk_says_nothing_of_the_name(world: World) -> None:
    await world.upload("ann", f"files/{ANN}/secret-plan.txt")
    [file] = world.files()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "secret" not in str(file.relative_to(world.folder))
    assert ANN not in str(file)


@pytest.mark.parametrize("stranger", ["ben", "anon"])
async def test_a_stranger_can_do_nothing_to_a_users_file(world: World, stranger: str) -> None:
    name = f"{ANN}/a.txt"
    await world.upload("ann", f"files/{name}", b"ann's")
    refused = [
        await world.upload(stranger, f"files/{name}", b"evil"),
        await world.upload(stranger, f"files/{name}", b"evil", x_upsert="true"),
        await world.upload(stranger, f"files/{ANN}/b.txt", b"evil"),
        await world.ask(stranger, "PUT", f"/object/files/{name}", data=b"evil"),
        await world.ask(stranger, "GET", f"/object/files/{name}"),
        await world.ask(stranger, "GET", f"/object/authenticated/files/{name}"),
        await world.ask(stranger, "GET", f"/object/info/files/{name}"),
        await world.ask(stranger, "GET", f"/object/public/files/{name}"),
        await world.ask(stranger, "POST", f"/object/sign/files/{name}", json={"expiresIn": 60}),
        await world.ask(stranger, "POST", f"/object/upload/sign/files/{name}", headers={"x-upsert": "true"}),
        await world.ask(stranger, "DELETE", f"/object/files/{name}"),
        await world.ask(stranger, "POST", "/object/move", json=names(name, f"{BEN}/a.txt")),
        await world.ask(stranger, "POST", "/object/copy", json=names(name, f"{BEN}/a.txt")),
    ]
    assert [answer.status for answer in refused] == [400] * len(refused)
    assert {answer.code for answer in refused} <= {"AccessDenied", "NoSuchKey", "NoSuchBucket", "KeyAlreadyExists"}
    listed = await world.ask(stranger, "POST", "/object/list/files", json={"prefix": ANN})
    listed_v2 = await world.ask(stranger, "POST", "/object/list-v2/files", json={"prefix": ""})
    removed = await world.ask(stranger, "DELETE", "/object/files", json={"prefixes": [name]})
    many = await world.ask(stranger, "POST", "/object/sign/files", json={"expiresIn": 60, "paths": [name]})
    assert (listed.json, listed_v2.json["objects"], removed.json) == ([], [], [])
    assert many.json[0]["signedURL"] is None
    assert (await world.ask("ann", "GET", f"/object/files/{name}")).body == b"ann's"
    assert len(world.files()) == 1


async def test_a_drop_box_takes_files_that_the_sender_cannot_see(world: World) -> None:
    world.sql("create policy drop_box on storage.objects for insert to anon with check (bucket_id = 'open' and false)")
    world.sql("create policy letters on storage.objects for insert to anon with check (bucket_id = 'files')")
    assert (await world.upload("anon", "files/letter.txt")).status == 200
    assert (await world.ask("anon", "GET", "/object/files/letter.txt")).code == "NoSuchKey"
    assert (await world.upload("anon", "open/letter.txt")).code == "AccessDenied"


async def test_replacing_wants_the_right_to_update(world: World) -> None:
    world.sql("create policy letters on storage.objects for insert to anon with check (bucket_id = 'open')")
    world.sql("create policy read on storage.objects for select to anon using (bucket_id = 'open')")
    assert (await world.upload("anon", "open/letter.txt", b"1")).status == 200
    assert (await world.upload("anon", "open/letter.txt", b"2", x_upsert="true")).code == "AccessDenied"
    assert (await world.upload("anon", "open/letter.txt", b"2")).code == "KeyAlreadyExists"
    assert (await world.ask("nobody", "GET", "/object/public/open/letter.txt")).body == b"1"


async def test_everybody_reads_a_public_bucket_and_nobody_writes_it(world: World) -> None:
    await world.upload("service", "open/a.txt", b"for all")
    for path in ("/object/public/open/a.txt", "/object/open/a.txt"):
        assert (await world.ask("nobody", "GET", path)).body == b"for all"
    assert (await world.upload("ann", "open/b.txt")).code == "AccessDenied"
    assert (await world.ask("ann", "DELETE", "/object/open/a.txt")).code == "AccessDenied"


async def test_policies_see_the_operation_the_request_and_the_user(world: World) -> None:
    world.sql("""
        create policy looking on storage.objects for insert to anon with check (
            storage.allow_only_operation('object.upload')
            and current_setting('request.method') = 'POST'
            and current_setting('request.path') = '/object/open/' || name
            and current_setting('request.headers')::json->>'x-team' = 'red'
            and metadata->>'mimetype' = 'text/plain')
    """)
    assert (await world.upload("anon", "open/a.txt", x_team="red")).status == 200
    assert (await world.upload("anon", "open/b.txt", x_team="blue")).code == "AccessDenied"
    world.sql("create policy reading on storage.objects for select to anon using (true)")
    assert (
        await world.ask("anon", "PUT", "/object/open/c.txt", data=b"", headers={"x-team": "red"})
    ).code == "AccessDenied"


async def test_no_token_makes_anybody_the_owner_of_the_tables(world: World) -> None:
    await world.upload("ann", f"files/{ANN}/a.txt")
    for role in ("supabase_storage_admin", "postgres", "nobody_at_all", "none", ""):
        token = signed(role=role, sub=ANN)
        assert (await world.ask(token, "GET", f"/object/files/{ANN}/a.txt")).code in {"AccessDenied", "NoSuchBucket"}
        assert (await world.ask(token, "GET", "/bucket")).code == "AccessDenied", role


async def test_moving_keeps_the_object_and_leaves_nothing_behind(world: World) -> None:
    sent = await world.upload("ann", f"files/{ANN}/a.txt", b"moved")
    answer = await world.ask("ann", "POST", "/object/move", json=names(f"{ANN}/a.txt", f"{ANN}/sub/b.txt"))
    assert answer.json == {"message": "Successfully moved", "Id": sent.json["Id"], "Key": f"{ANN}/sub/b.txt"}
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/a.txt")).code == "NoSuchKey"
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/sub/b.txt")).body == b"moved"
    assert len(world.files()) == 1


async def test_nothing_is_moved_onto_another_object_or_into_anothers_folder(world: World) -> None:
    await world.upload("ann", f"files/{ANN}/a.txt", b"a")
    await world.upload("ann", f"files/{ANN}/b.txt", b"b")
    onto = await world.ask("ann", "POST", "/object/move", json=names(f"{ANN}/a.txt", f"{ANN}/b.txt"))
    away = await world.ask("ann", "POST", "/object/move", json=names(f"{ANN}/a.txt", f"{BEN}/a.txt"))
    bad = await world.ask("ann", "POST", "/object/move", json=names(f"{ANN}/a.txt", f"{ANN}/../a.txt"))
    assert (onto.code, onto.json["statusCode"]) == ("KeyAlreadyExists", "409")
    assert (away.code, bad.code) == ("AccessDenied", "InvalidKey")
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/a.txt")).body == b"a"
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/b.txt")).body == b"b"
    assert len(world.files()) == 2


async def test_a_copy_is_an_object_of_its_own(world: World) -> None:
    await world.upload("ann", f"files/{ANN}/a.txt", b"one")
    answer = await world.ask("ann", "POST", "/object/copy", json=names(f"{ANN}/a.txt", f"{ANN}/b.txt"))
    assert answer.json["Key"] == f"files/{ANN}/b.txt"
    await world.upload("ann", f"files/{ANN}/a.txt", b"two", x_upsert="true")
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/b.txt")).body == b"one"
    again = await world.ask("ann", "POST", "/object/copy", json=names(f"{ANN}/a.txt", f"{ANN}/b.txt"))
    assert again.code == "KeyAlreadyExists"
    replaced = await world.ask(
        "ann", "POST", "/object/copy", json=names(f"{ANN}/a.txt", f"{ANN}/b.txt"), headers={"x-upsert": "true"}
    )
    assert replaced.status == 200
    assert (await world.ask("ann", "GET", f"/object/files/{ANN}/b.txt")).body == b"two"
    assert len(world.files()) == 2


async def test_deleting_takes_the_rows_and_the_bytes(world: World) -> None:
    for name in ("a", "b", "c"):
        await world.upload("ann", f"files/{ANN}/{name}")
    one = await world.ask("ann", "DELETE", f"/object/files/{ANN}/a")
    assert one.json == {"message": "Successfully deleted"}
    many = await world.ask(
        "ann", "DELETE", "/object/files", json={"prefixes": [f"{ANN}/b", f"{ANN}/c", f"{ANN}/never"]}
    )
    assert {item["name"] for item in many.json} == {f"{ANN}/b", f"{ANN}/c"}
    assert world.files() == []
    assert (await world.ask("ann", "DELETE", f"/object/files/{ANN}/a")).code == "NoSuchKey"


async def test_more_than_a_thousand_names_at_once_are_refused(world: World) -> None:
    names_ = [f"{ANN}/{number}" for number in range(1001)]
    assert (await world.ask("ann", "DELETE", "/object/files", json={"prefixes": names_})).code == "InvalidRequest"
    signed_ = await world.ask("ann", "POST", "/object/sign/files", json={"expiresIn": 1, "paths": names_})
    assert signed_.code == "InvalidRequest"


async def test_a_form_with_the_file_under_an_empty_name_is_an_upload(world: World) -> None:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("cacheControl", "3600")
    form.add_field("metadata", '{"team": "red"}')
    form.add_field("", b"bytes", filename="blob", content_type="image/png")
    answer = await world.ask("ann", "POST", f"/object/files/{ANN}/a.png", data=form)
    assert answer.status == 200
    info = await world.ask("ann", "GET", f"/object/info/files/{ANN}/a.png")
    assert info.json["metadata"] == {"team": "red"}
    assert info.json["cache_control"] == "max-age=3600"
    assert info.json["content_type"] == "image/png"
    assert info.json["size"] == 5


BAD_NAMES = (
    ("files/%2e%2e/%2e%2e/etc/passwd", "InvalidKey"),
    ("files/a%00b", "InvalidKey"),
    ("files/%ff", "InvalidKey"),
    ("files/" + "a" * 1025, "InvalidKey"),
    ("files/", "InvalidKey"),
    ("a%2Fb/c", "InvalidBucketName"),
    ("nowhere/a.txt", "NoSuchBucket"),
)


async def test_a_bad_name_is_refused_before_a_byte_is_written(world: World) -> None:
    for path, code in BAD_NAMES:
        # encoded=True: here the path must reach the server as it is written
        url = URL(f"{world.url}/object/{path}", encoded=True)
        async with world.http.post(url, data=b"x", headers=world.headers("service")) as answer:
            body = await answer.json()
        assert (answer.status, body["code"]) == (400, code)
    assert world.files() == []


async def test_an_unreadable_token_is_refused_and_never_promoted(world: World) -> None:
    await world.upload("service", "files/a.txt")
    for token in ("not-a-jwt", "a.b.c", signed(role="service_role")[:-3] + "xxx", signed(role="service_role", exp=1)):
        assert (await world.ask(token, "GET", "/bucket")).code == "AccessDenied"
        assert (await world.ask(token, "GET", "/object/files/a.txt")).code == "NoSuchBucket"
    assert (await world.ask("nobody", "GET", "/bucket")).json["error"] == "Error"
    assert (await world.ask("nobody", "GET", "/bucket", headers={"apikey": ANON_KEY})).json == []


def names(source: str, destination: str) -> dict[str, str]:
    return {"bucketId": "files", "sourceKey": source, "destinationKey": destination}
