"""Every kind of channel, asked as everybody who might: nobody ever hears of what is another's."""

import pytest
from realtime_world import ANN, BEN, TOKENS, Client, World, realtime_world, signed

from freehold.testing.database import FreshDatabase

ROOM = f"room-{ANN}"
MARK = "only for Ann"
EVERYBODY = {
    "nobody": None,
    "anon": TOKENS["anon"],
    "ann": TOKENS["ann"],
    "ben": TOKENS["ben"],
    "stranger": signed(role="authenticated"),
    "claims that lie": signed(role="authenticated", sub=BEN, user_metadata={"sub": ANN}, email=ANN),
}


async def changes(world: World, client: Client, token: str | None) -> None:
    await client.listen("all", token)
    world.sql("insert into notes (owner, title) values (%s, %s)", ANN, MARK)
    world.sql("update notes set done = true where owner = %s", ANN)


async def filtered_changes(world: World, client: Client, token: str | None) -> None:
    await client.listen("own", token, table="notes", filter=f"owner=eq.{ANN}")
    world.sql("insert into notes (owner, title) values (%s, %s)", ANN, MARK)


async def private_broadcast(world: World, client: Client, token: str | None) -> None:
    await client.join(ROOM, token, private=True)
    other = await world.connect()
    await other.join(ROOM, TOKENS["ann"], private=True)
    await other.say(f"realtime:{ROOM}", "broadcast", {"type": "broadcast", "event": "x", "payload": MARK})
    await other.ask("phoenix", "heartbeat", {}, None)


async def private_broadcast_from_sql(world: World, client: Client, token: str | None) -> None:
    await client.join(ROOM, token, private=True)
    world.sql("select realtime.send(jsonb_build_object('text', %s::text), 'x', %s, true)", MARK, ROOM)


async def replay(world: World, client: Client, token: str | None) -> None:
    world.sql("select realtime.send(jsonb_build_object('text', %s::text), 'x', %s, true)", MARK, ROOM)
    await client.join(ROOM, token, private=True, broadcast={"replay": {"since": 0}})


async def private_presence(world: World, client: Client, token: str | None) -> None:
    await client.join(ROOM, token, private=True)
    other = await world.connect()
    await other.join(ROOM, TOKENS["ann"], private=True)
    track = {"type": "presence", "event": "track", "payload": {"text": MARK}}
    assert (await other.ask(f"realtime:{ROOM}", "presence", track))["status"] == "ok"


KINDS = [changes, filtered_changes, private_broadcast, private_broadcast_from_sql, replay, private_presence]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_only_whom_it_concerns_hears_it(database: FreshDatabase, kind: object) -> None:
    async with realtime_world(database) as world:
        # Whoever may read presence, as Ann may on her own room's channel, is decided by the same policies.
        for who, token in EVERYBODY.items():
            client = await world.connect("sb_publishable_test")
            await kind(world, client, token)  # type: ignore[operator]
            await finished(world, client)
            heard = MARK in str(client.heard)
            assert heard == (who == "ann"), (who, client.heard)
            await client.socket.close()


@pytest.mark.parametrize("token", [None, "anon", "ben"])
async def test_nobody_else_writes_to_a_private_channel(database: FreshDatabase, token: str | None) -> None:
    async with realtime_world(database) as world:
        ann = await world.connect()
        await ann.join(ROOM, TOKENS["ann"], private=True)
        other = await world.connect()
        await other.join(ROOM, TOKENS.get(token or ""), private=True)
        await other.join(ROOM, TOKENS.get(token or ""))
        await other.say(f"realtime:{ROOM}", "broadcast", {"type": "broadcast", "event": "x", "payload": MARK})
        track = {"type": "presence", "event": "track", "payload": {"text": MARK}}
        await other.say(f"realtime:{ROOM}", "presence", track)
        bearer = {"authorization": f"Bearer {TOKENS[token]}"} if token else {}
        message = {"topic": ROOM, "event": "x", "payload": {"text": MARK}, "private": True}
        address = f"{world.url}/realtime/v1/api/broadcast"
        headers = {"apikey": "sb_publishable_test", **bearer}
        async with world.http.post(address, json={"messages": [message]}, headers=headers) as answer:
            assert answer.status == 202
        await finished(world, ann)
        assert MARK not in str(ann.heard)


async def finished(world: World, client: Client) -> None:
    """Wait until what was under way has arrived: a change and a broadcast that everybody hears come after it."""
    (number,) = world.sql("select coalesce(max(id), 0) + 1 from news")[0]
    await client.listen(f"end-{number}", table="news")
    world.sql("insert into news values (%s, 'end', '')", number)
    world.sql("select realtime.send('{}', 'end', %s, false)", f"end-{number}")
    await client.until(lambda: client.of("broadcast", f"end-{number}"))
    await client.until(lambda: client.of("postgres_changes", f"end-{number}"))
