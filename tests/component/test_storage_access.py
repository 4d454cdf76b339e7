"""Every route of Storage: who is let in, and what they can then reach."""

from collections.abc import AsyncIterator
from itertools import product
from pathlib import Path

import pytest
from storage_world import ANN, OWN_FOLDER, World, signed, storage_world

from freehold.runtime.storage.routes import ROUTES, Access, Route
from freehold.testing.database import FreshDatabase

KEY = f"{ANN}/a.txt"
BODIES = {
    "storage.bucket.create": {"name": "new"},
    "storage.bucket.update": {"public": True},
    "storage.object.list": {"prefix": ANN},
    "storage.object.list_v2": {"prefix": ""},
    "storage.object.move": {"bucketId": "files", "sourceKey": KEY, "destinationKey": "x"},
    "storage.object.copy": {"bucketId": "files", "sourceKey": KEY, "destinationKey": "x"},
    "storage.object.sign": {"expiresIn": 60},
    "storage.object.sign_many": {"expiresIn": 60, "paths": [KEY]},
    "storage.object.delete_many": {"prefixes": [KEY]},
}
EMPTY_FOR_STRANGERS = {
    "storage.bucket.list",
    "storage.object.list",
    "storage.object.list_v2",
    "storage.object.delete_many",
    "storage.object.sign_many",
}
HARMLESS = ("/status", "/version")
SECRET = b"ann's secret"


@pytest.fixture
async def world(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with storage_world(database, tmp_path / "storage") as world:
        world.bucket("files")
        world.sql(OWN_FOLDER)
        await world.upload("ann", f"files/{KEY}", SECRET)
        yield world


def path_of(route: Route) -> str:
    return route.path.replace(":bucket", "files").replace("*", KEY)


def test_no_two_routes_answer_the_same() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_only_public_signed_and_unserved_paths_ask_nobody_who_they_are() -> None:
    open_paths = {route.path for route in ROUTES if route.access is Access.OPEN}
    words = ("/public/", "/sign/", "/upload/resumable", "/s3")
    assert all(path in HARMLESS or any(word in path for word in words) for path in open_paths)


async def test_without_a_key_no_route_gives_or_changes_anything(world: World) -> None:
    await every_route(world, "nobody", {})


async def test_with_the_anon_key_no_route_gives_or_changes_anything(world: World) -> None:
    await every_route(world, "anon", EMPTY_FOR_STRANGERS)


async def test_as_another_user_no_route_gives_or_changes_anything(world: World) -> None:
    await every_route(world, "ben", EMPTY_FOR_STRANGERS)


async def test_with_a_token_that_does_not_hold_no_route_gives_or_changes_anything(world: World) -> None:
    for route, token in product(ROUTES, ("not-a-jwt", "sb_secret_guessed", signed(role="service_role", exp=1))):
        answer = await world.ask(
            token,
            route.method,
            path_of(route),
            json=BODIES.get(route.operation),
            headers={"apikey": token, "authorization": f"Bearer {token}"},
        )
        assert answer.status >= 400 or route.path in HARMLESS, (route, answer)
    unchanged(world)


async def every_route(world: World, who: str, empty_answers: set[str] | dict[str, str]) -> None:
    for route in ROUTES:
        answer = await world.ask(who, route.method, path_of(route), json=BODIES.get(route.operation))
        assert SECRET not in answer.body
        if route.path in HARMLESS:
            assert answer.status == 200
        elif route.operation in empty_answers:
            assert answer.status == 200, (route, answer)
            assert KEY.encode() not in answer.body or b'"signedURL":null' in answer.body
        elif route.access is Access.SERVICE and who != "nobody":
            assert answer.status == 403
        else:
            assert answer.status == 400, (route, answer)
    unchanged(world)


def unchanged(world: World) -> None:
    assert world.sql("select bucket_id, name from storage.objects") == [("files", KEY)]
    assert world.sql("select id, public from storage.buckets") == [("files", False)]
    assert [file.read_bytes() for file in world.files()] == [SECRET]
