"""What watchers of entities hear when the connection that changes are heard on breaks."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from base44_world import APP, World, base44_world, heard

from freehold.testing.database import FreshDatabase

NOTE = {"name": "Note", "type": "object", "properties": {"title": {"type": "string"}}}
LISTENS = """
    select pid from pg_stat_activity
     where query = 'LISTEN "base44_change"' and state = 'idle' and datname = current_database()
"""
LISTENERS = """
    select pg_terminate_backend(pid, 60000) from pg_stat_activity
     where query = 'LISTEN "base44_change"' and datname = current_database()
"""
TURNS = 3


@pytest.fixture
async def world(database: FreshDatabase, tmp_path: Path) -> AsyncIterator[World]:
    async with base44_world(database, tmp_path, schemas={"Note": NOTE}) as world:
        yield world


async def test_what_changes_while_nobody_listens_is_heard_once(world: World) -> None:
    token = world.person("ann")[0]
    address = f"{world.url}/ws-user-apps/socket.io/?EIO=4&transport=websocket&app_id={APP}&token={token}"
    async with world.http.ws_connect(address) as socket:
        await socket.send_str("40")
        await socket.send_str(f'421["join","entities:{APP}:Note"]')
        await heard(socket, "431")
        assert world.sql(LISTENERS) == [(True,)]  # before there was any change
        await listening(world)
        for turn in range(TURNS):
            assert world.sql(LISTENERS) == [(True,)]
            titles = [f"{turn} {number}" for number in range(3)]
            for title in titles:
                assert (await world.ask("POST", "entities/Note", {"title": title}, token))[0] == 201
            assert [await title_of(socket) for _ in titles] == titles
            await listening(world)
        assert (await world.ask("POST", "entities/Note", {"title": "last"}, token))[0] == 201
        assert await title_of(socket) == "last"


async def listening(world: World) -> None:
    """Wait until the connection is there again."""
    async with asyncio.timeout(60):
        while not world.sql(LISTENS):  # noqa: ASYNC110 - it happens in another task
            await asyncio.sleep(0.05)


async def title_of(socket: aiohttp.ClientWebSocketResponse) -> str:
    """The title in the next change."""
    _, told = json.loads((await heard(socket, "42"))[2:])
    return str(json.loads(told["data"])["data"]["title"])
