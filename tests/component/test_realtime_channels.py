"""Channels over /realtime/v1: broadcast, presence, private rooms, tokens, limits."""

import asyncio
import json
import time

import aiohttp
import pytest
from realtime_world import ANN, ANON_KEY, BEN, SERVICE_KEY, TOKENS, Client, World, realtime_world, signed

from freehold.runtime.realtime import limits
from freehold.testing.database import FreshDatabase

ROOM = f"room-{ANN}"


def push(topic: str, event: str, content: bytes, *, encoding: int = 1, ref: str = "9") -> bytes:
    parts = [b"1", ref.encode(), f"realtime:{topic}".encode(), event.encode(), b""]
    return bytes([3, *map(len, parts), encoding]) + b"".join(parts) + content


async def said(client: Client, topic: str, event: str = "x") -> list[object]:
    return [payload["payload"] for payload in client.of("broadcast", topic) if payload["event"] == event]


async def test_both_protocols_hear_each_other(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        old, new, late = [await world.connect(version=one) for one in ("1.0.0", "2.0.0", "2.0.0")]
        await old.join("lobby")
        await new.join("lobby", broadcast={"ack": True, "self": True})
        await late.join("elsewhere")
        await old.say("realtime:lobby", "broadcast", {"type": "broadcast", "event": "x", "payload": {"n": 1}})
        await new.until(lambda: new.of("broadcast"))
        await new.socket.send_bytes(push("lobby", "x", b'{"n": 2}'))
        await old.until(lambda: old.of("broadcast"))
        await new.until(lambda: [1 for _, event, _, ref in new.heard if event == "phx_reply" and ref == "9"])
        assert await said(old, "lobby") == [{"n": 2}]
        assert await said(new, "lobby") == [{"n": 1}, {"n": 2}]
        assert len(new.binary) == 2
        await new.socket.send_bytes(push("lobby", "bytes", b"\0\xff", encoding=0))
        await new.until(lambda: [p for p in new.of("broadcast") if p["event"] == "bytes"])
        assert new.of("broadcast")[-1]["payload"] == b"\0\xff"
        assert late.of("broadcast") == []


async def test_a_private_channel_is_for_those_whom_its_policies_let_in(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        for who, allowed in {"anon": False, "ben": False, "ann": True, "service": True}.items():
            client = await world.connect()
            reply = await client.join(ROOM, TOKENS[who], private=True)
            assert (reply["status"] == "ok") == allowed, who
            if not allowed:
                reason = f"You do not have permissions to read from this Channel topic: {ROOM}"
                assert reason in reply["response"]["reason"]
        assert world.sql("select count(*) from realtime.messages") == [(0,)]


async def test_a_public_channel_of_the_same_name_hears_nothing_private(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        ann, stranger = await world.connect(), await world.connect()
        await ann.join(ROOM, TOKENS["ann"], private=True, broadcast={"self": True})
        await stranger.join(ROOM)
        await ann.socket.send_bytes(push(ROOM, "x", b'"secret"'))
        await ann.until(lambda: ann.of("broadcast"))
        world.sql("select realtime.send('{\"from\": \"sql\"}', 'x', %s, true)", ROOM)
        await ann.until(lambda: len(ann.of("broadcast")) == 2)
        await stranger.socket.send_bytes(push(ROOM, "x", b'"forged"'))
        await stranger.ask("phoenix", "heartbeat", {}, None)
        assert stranger.of("broadcast") == []
        assert len(ann.of("broadcast")) == 2


async def test_who_may_only_read_cannot_write(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        world.sql("create policy all_read on realtime.messages for select to authenticated using (true)")
        ann, ben = await world.connect(), await world.connect()
        await ann.join(ROOM, TOKENS["ann"], private=True)
        await ben.join(ROOM, TOKENS["ben"], private=True, broadcast={"ack": True})
        await ben.socket.send_bytes(push(ROOM, "x", b'"no"'))
        await ben.until(
            lambda: [p for _, e, p, r in ben.heard if e == "phx_reply" and r == "9" and p["status"] == "error"]
        )
        reply = await ben.ask(f"realtime:{ROOM}", "presence", {"type": "presence", "event": "track", "payload": {}})
        assert reply["status"] == "error"
        await ann.ask("phoenix", "heartbeat", {}, None)
        assert ann.of("broadcast") == ann.of("presence_diff") == []


async def test_sql_sends_to_public_and_private_channels(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        ann, anon = await world.connect(version="1.0.0"), await world.connect()
        await ann.join(ROOM, TOKENS["ann"], private=True)
        await anon.join("news")
        world.sql("select realtime.send('{\"a\": 1}', 'x', 'news', false)")
        world.sql("select realtime.broadcast_changes(%s, 'INSERT', 'INSERT', 't', 'public', null, null)", ROOM)
        (public,) = await anon.until(lambda: anon.of("broadcast"))
        (private,) = await ann.until(lambda: ann.of("broadcast"))
        assert public["payload"]["a"] == 1
        assert private["payload"]["operation"] == "INSERT"
        assert private["meta"]["id"] == private["payload"]["id"]


async def test_messages_are_replayed_to_those_who_may_read_them(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        for number in range(3):
            world.sql("select realtime.send(jsonb_build_object('n', %s::int), 'x', %s, true)", number, ROOM)
        client = await world.connect()
        await client.join(ROOM, TOKENS["ann"], private=True, broadcast={"replay": {"since": 0, "limit": 2}})
        await client.until(lambda: len(client.of("broadcast")) >= 2)
        assert [p["payload"]["n"] for p in client.of("broadcast")] == [1, 2]
        assert client.of("broadcast")[0]["meta"]["replayed"] is True
        refused = await client.join("public", broadcast={"replay": {"since": 0}})
        assert "private channels" in refused["response"]["reason"]


async def test_a_message_of_the_moment_of_the_join_is_told_once_and_in_order(database: FreshDatabase) -> None:
    """Whether it is replayed, told live or both: what is sent as a client joins comes on two ways."""
    async with realtime_world(database) as world:

        async def send(number: int) -> None:
            statement = "select realtime.send(jsonb_build_object('n', %s::int), 'x', %s, true)"
            await asyncio.to_thread(world.sql, statement, number, ROOM)

        for turn in range(25):
            world.sql("delete from realtime.messages where topic = %s", ROOM)
            client = await world.connect()
            joined = client.join(ROOM, TOKENS["ann"], private=True, broadcast={"replay": {"since": 0}})
            await asyncio.gather(send(turn), joined)
            await send(1000 + turn)
            await client.until(lambda: [p for p in client.of("broadcast") if p["payload"]["n"] >= 1000])  # noqa: B023
            assert [p["payload"]["n"] for p in client.of("broadcast")] == [turn, 1000 + turn]
            await client.socket.close()


async def test_what_was_sent_before_the_join_and_is_not_replayed_is_not_told_later(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:

        def send(number: int) -> None:
            world.sql("select realtime.send(jsonb_build_object('n', %s::int), 'x', %s, true)", number, ROOM)

        for turn in range(25):
            world.sql("delete from realtime.messages where topic = %s", ROOM)
            client = await world.connect()
            for number in range(3):  # nothing is handed on meanwhile: this thread is the server's, too
                send(number)
            await client.join(ROOM, TOKENS["ann"], private=True, broadcast={"replay": {"since": 0, "limit": 2}})
            await client.until(lambda: len(client.of("broadcast")) >= 2)  # noqa: B023
            send(1000 + turn)
            await client.until(lambda: [p for p in client.of("broadcast") if p["payload"]["n"] >= 1000])  # noqa: B023
            assert [p["payload"]["n"] for p in client.of("broadcast")] == [1, 2, 1000 + turn]
            await client.socket.close()


async def test_presence_tells_who_comes_changes_and_goes(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        ann, ben = await world.connect(), await world.connect()
        await ann.join("room", presence={"key": "ann", "enabled": True})
        track = {"type": "presence", "event": "track", "payload": {"mood": "calm"}}
        assert (await ann.ask("realtime:room", "presence", track))["status"] == "ok"
        await ben.join("room", presence={"key": "ben", "enabled": True})
        (state,) = await ben.until(lambda: ben.of("presence_state"))
        assert state["ann"]["metas"][0]["mood"] == "calm"
        await ann.ask("realtime:room", "presence", {**track, "payload": {"mood": "busy"}})
        (diff,) = await ben.until(lambda: ben.of("presence_diff"))
        assert diff["joins"]["ann"]["metas"][0]["phx_ref_prev"] == diff["leaves"]["ann"]["metas"][0]["phx_ref"]
        await ann.socket.close()
        await ben.until(lambda: len(ben.of("presence_diff")) == 2)
        assert ben.of("presence_diff")[1] == {"joins": {}, "leaves": {"ann": diff["joins"]["ann"]}}


async def test_broadcasts_by_http_reach_channels_and_respect_policies(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        anon, ann = await world.connect(), await world.connect()
        await anon.join("lobby")
        await ann.join(ROOM, TOKENS["ann"], private=True)
        message = {"topic": "lobby", "event": "x", "payload": {"n": 1}}
        private = {"topic": ROOM, "event": "x", "payload": {"n": 2}, "private": True}
        assert await post(world, "anon", {"messages": [message, private]}) == 202
        assert await post(world, "ben", {"messages": [private]}) == 202
        assert await post(world, "ann", {"messages": [{**private, "payload": {"n": 3}}]}) == 202
        assert await post(world, "ann", {"n": 4}, f"/{ROOM}/events/x?private=true") == 202
        await ann.until(lambda: len(ann.of("broadcast")) == 2)
        assert await said(ann, ROOM) == [{"n": 3}, {"n": 4}]
        assert await said(anon, "lobby") == [{"n": 1}]
        assert await post(world, "anon", {"messages": [{"topic": "lobby"}]}) == 422
        assert await post(world, "anon", {"messages": []}) == 422
        assert await post(world, "nobody", {"messages": [message]}) == 401


async def test_a_handshake_that_is_refused_says_why(database: FreshDatabase) -> None:
    refused = {
        "vsn=2.0.0": 401,
        "apikey=sb_publishable_wrong": 401,
        "apikey=not.a.token": 401,
        f"apikey={signed(role='anon', exp=1)}": 401,
        f"apikey={ANON_KEY}&vsn=3.0.0": 400,
    }
    async with realtime_world(database) as world:
        for query, status in refused.items():
            address = f"{world.url}/realtime/v1/websocket?{query}"
            async with world.http.get(address, headers=UPGRADE) as answer:
                assert answer.status == status, query
                assert (await answer.json())["error"]
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await world.http.ws_connect(address)


UPGRADE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
}


async def test_tokens_that_are_not_valid_join_nothing_and_keys_are_no_tokens(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect("sb_publishable_test")
        assert (await client.join("a", signed(role="authenticated", exp=1)))["status"] == "error"
        assert (await client.join("a", "nonsense"))["status"] == "error"
        assert (await client.join("a", "sb_publishable_test"))["status"] == "ok"
        assert (await client.join("b", TOKENS["ann"]))["status"] == "ok"
        await client.say("realtime:a", "access_token", {"access_token": "sb_publishable_test"})
        await client.say("realtime:b", "access_token", {"access_token": "forged"})
        await client.until(lambda: client.of("phx_close", "b"))
        assert client.of("phx_close", "a") == []


async def test_a_channel_ends_with_its_token_unless_a_newer_one_came(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        first, second = await world.connect(), await world.connect()
        for client in (first, second):
            await client.listen("notes", TOKENS["ann"], table="notes")
        short = signed(role="authenticated", sub=ANN, exp=int(time.time()) + 4)
        for client, token in ((second, short), (second, signed(role="authenticated", sub=ANN)), (first, short)):
            await client.say("realtime:notes", "access_token", {"access_token": token})
        (system,) = await first.until(lambda: [p for p in first.of("system") if p["status"] == "error"])
        assert system["message"].startswith("Token has expired")
        world.sql("insert into notes (owner, title) values (%s, 'later')", ANN)
        await second.until(second.changes)
        assert first.changes() == []


async def test_a_token_that_runs_out_during_the_join_opens_nothing(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        world.sql(
            "create policy slow on realtime.messages for select to authenticated using (pg_sleep(2.5) is not null)"
        )
        client = await world.connect()
        short = signed(role="authenticated", sub=BEN, exp=int(time.time()) + 3)
        await client.say(f"realtime:{ROOM}", "phx_join", {"config": {"private": True}, "access_token": short})
        await client.until(lambda: client.of("phx_close"))
        await client.ask("phoenix", "heartbeat", {}, None)
        message = {"topic": ROOM, "event": "x", "payload": {}, "private": True}
        assert await post(world, "service", {"messages": [message]}) == 202
        await client.ask("phoenix", "heartbeat", {}, None)
        assert client.of("broadcast") == []


async def test_a_token_that_runs_out_as_its_owner_comes_leaves_nobody_present(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        world.sql("create policy read_all on realtime.messages for select to authenticated using (true)")
        world.sql(
            "create policy slow on realtime.messages for insert to authenticated with check (pg_sleep(5) is not null)"
        )
        client, other = await world.connect(), await world.connect()
        short = signed(role="authenticated", sub=BEN, exp=int(time.time()) + 3)
        await client.join(ROOM, short, private=True, presence={"key": "ben", "enabled": True})
        track = {"type": "presence", "event": "track", "payload": {}}
        await client.say(f"realtime:{ROOM}", "presence", track)
        await client.until(lambda: client.of("phx_close"))
        await client.ask("phoenix", "heartbeat", {}, None)
        await other.join(ROOM, TOKENS["service"], private=True, presence={"key": "other", "enabled": True})
        assert await other.until(lambda: other.of("presence_state")) == [{}]


async def test_a_channel_that_becomes_somebody_else_hears_as_that_one(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        await client.listen("notes", TOKENS["ann"], table="notes")
        await client.say("realtime:notes", "access_token", {"access_token": TOKENS["ben"]})
        await client.ask("phoenix", "heartbeat", {}, None)
        world.sql("insert into notes (owner, title) values (%s, 'ann''s')", ANN)
        world.sql("insert into notes (owner, title) values (%s, 'ben''s')", BEN)
        await client.until(client.changes)
        assert [change["record"]["title"] for change in client.changes()] == ["ben's"]


async def test_joining_twice_leaves_the_first_and_leaving_ends_it(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        await client.join("room")
        await client.ask("realtime:room", "phx_join", {"config": {}}, "2")
        assert client.of("phx_close", "room") == [{}]
        assert (await client.ask("realtime:room", "phx_leave", {}, "2"))["status"] == "ok"
        assert (await client.ask("realtime:room", "presence", {}, "2"))["response"] == {"reason": "unmatched topic"}
        assert (await client.ask("phoenix", "heartbeat", {}, None))["status"] == "ok"


async def test_a_client_cannot_have_too_many_channels_or_say_too_much(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        for number in range(limits.CHANNELS_PER_SOCKET):
            reply = await client.join(f"c{number}")
            if reply["status"] == "error":  # joins are limited a second too
                await asyncio.sleep(0.3)
                await client.join(f"c{number}")
        await asyncio.sleep(0.1)
        assert "Too many channels" in (await client.join("one-more"))["response"]["reason"]
        async with asyncio.timeout(60):
            while not client.of("phx_close", "c0"):
                await client.socket.send_bytes(push("c0", "x", b"1"))
                await asyncio.sleep(0)
        assert [p["message"] for p in client.of("system", "c0")] == ["Too many messages per second"]


async def test_what_is_no_frame_closes_the_connection(database: FreshDatabase) -> None:
    long = json.dumps([None, "1", "t" * 300, "x", {}])
    async with realtime_world(database) as world:
        for frame in ("nonsense", "[]", "{}", "[1,2,3,4,5]", long, b"", b"\x09", b"\x03\xff\xff"):
            client = await world.connect()
            await (client.socket.send_str(frame) if isinstance(frame, str) else client.socket.send_bytes(frame))
            assert await client.closed() == 1008, frame


async def test_a_slow_client_is_dropped_and_the_others_are_served(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        slow = await world.http.ws_connect(f"{world.url}/realtime/v1/websocket?apikey={ANON_KEY}", max_msg_size=0)
        await slow.send_json({"topic": "realtime:r", "event": "phx_join", "payload": {}, "ref": "1"})
        await slow.receive()
        fast = await world.connect()
        await fast.join("r")
        slow._reader._protocol.transport.pause_reading()  # type: ignore[attr-defined]
        text = "x" * 1_000_000
        for _ in range(30):
            assert await post(world, "service", {"messages": [{"topic": "r", "event": "x", "payload": text}]}) == 202
        await fast.until(lambda: len(fast.of("broadcast")) == 30)
        sockets = world.app._routes["/realtime/v1"]._sockets  # type: ignore[attr-defined]
        await world.until(lambda: len(sockets) == 1)


async def post(world: World, who: str, body: object, path: str = "") -> int:
    keys = {"anon": ANON_KEY, "service": SERVICE_KEY}
    headers = (
        {} if who == "nobody" else {"apikey": ANON_KEY, "authorization": f"Bearer {keys.get(who, TOKENS.get(who))}"}
    )
    async with world.http.post(f"{world.url}/realtime/v1/api/broadcast{path}", json=body, headers=headers) as answer:
        return answer.status
