"""Database changes over /realtime/v1: who hears what."""

import pytest
from realtime_world import ANN, BEN, TOKENS, Client, World, realtime_world

from freehold.testing.database import FreshDatabase


async def test_a_change_reaches_its_owner_and_nobody_else(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        clients = {}
        for who in ("anon", "ann", "ben", "service"):
            clients[who] = await world.connect()
            await clients[who].listen("all", TOKENS[who], table="notes")
        note(world, ANN, "one")
        world.sql("update notes set title = 'two', done = true where owner = %s", ANN)
        note(world, BEN, "other")
        note(world, ANN, "last")
        await clients["ann"].until(lambda: len(clients["ann"].changes()) >= 3)
        await clients["service"].until(lambda: len(clients["service"].changes()) >= 4)
        await clients["ben"].until(clients["ben"].changes)
        assert [(c["type"], c["record"]["title"]) for c in clients["ann"].changes()] == [
            ("INSERT", "one"),
            ("UPDATE", "two"),
            ("INSERT", "last"),
        ]
        assert [c["record"]["title"] for c in clients["ben"].changes()] == ["other"]
        assert clients["anon"].changes() == []


async def test_an_event_has_the_shape_that_supabase_gives_it(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        await client.listen("all", TOKENS["ann"], table="notes")
        world.sql(
            "insert into notes (owner, title, secret, amount, tags, extra) values (%s, 'a', 's', 12.50,"
            " array['x', 'y \"z\"', null], '{\"deep\": [1, {}]}')",
            ANN,
        )
        (event,) = await client.until(lambda: client.of("postgres_changes"))
        data = event["data"]
        assert event["ids"] == [client.of("phx_reply")[0]["response"]["postgres_changes"][0]["id"]]
        assert data.pop("commit_timestamp").endswith("Z")
        assert data.pop("columns") == [
            {"name": "id", "type": "int8"},
            {"name": "owner", "type": "uuid"},
            {"name": "title", "type": "text"},
            {"name": "done", "type": "bool"},
            {"name": "amount", "type": "numeric"},
            {"name": "tags", "type": "_text"},
            {"name": "extra", "type": "jsonb"},
            {"name": "made", "type": "timestamptz"},
        ]
        assert data == {
            "schema": "public",
            "table": "notes",
            "type": "INSERT",
            "record": {
                "id": 1,
                "owner": ANN,
                "title": "a",
                "done": False,
                "amount": 12.5,
                "tags": ["x", 'y "z"', None],
                "extra": {"deep": [1, {}]},
                "made": "2026-03-04T05:06:07.89+00:00",
            },
            "errors": None,
        }


async def test_a_deletion_under_row_security_tells_the_key_only(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        await client.listen("all", TOKENS["ann"], table="notes")
        note(world, ANN, "mine")
        await client.until(client.changes)
        world.sql("delete from notes")
        await client.until(lambda: len(client.changes()) == 2)
        gone = client.changes()[1]
        assert (gone["type"], gone["old_record"]) == ("DELETE", {"id": 1})
        assert "record" not in gone


async def test_filters_are_decided_as_the_database_would(database: FreshDatabase) -> None:
    filters = {
        f"owner=eq.{ANN.upper()}": ["a", "b", "c"],
        "title=neq.a": ["b", "c"],
        "amount=eq.1.0": ["a"],
        "amount=gt.9": ["b"],
        "title=in.(a,c)": ["a", "c"],
        "title=ilike.B%": ["b"],
        "amount=is.null": ["c"],
        "amount=not.is.null": ["a", "b"],
        "title=match.^[ab]$": ["a", "b"],
        "title=neq.a,amount=lt.20": ["b"],
        "amount=isdistinct.1": ["b", "c"],
    }
    async with realtime_world(database) as world:
        client = await world.connect()
        for number, text in enumerate(filters):
            await client.listen(f"f{number}", TOKENS["ann"], table="notes", filter=text)
        await client.listen("end", TOKENS["ann"], table="notes", filter="title=eq.end")
        for title, amount in (("a", 1), ("b", 10), ("c", None)):
            world.sql("insert into notes (owner, title, amount) values (%s, %s, %s)", ANN, title, amount)
        note(world, ANN, "end")
        await client.until(lambda: client.of("postgres_changes", "end"))
        for number, expected in enumerate(filters.values()):
            topic, names = f"f{number}", list(expected)
            await client.until(lambda topic=topic, names=names: set(names) <= set(_titles(client, topic)))
            assert [title for title in _titles(client, topic) if title != "end"] == expected, list(filters)[number]


def _titles(client: Client, topic: str) -> list[str]:
    return [event["data"]["record"]["title"] for event in client.of("postgres_changes", topic)]


async def test_a_column_that_may_not_be_read_is_not_told_and_filters_nothing(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        binding = {"event": "*", "schema": "public", "table": "notes", "filter": "secret=eq.x"}
        await client.join("oracle", TOKENS["ann"], postgres_changes=[binding])
        (system,) = await client.until(lambda: client.of("system", "oracle"))
        assert system["status"] == "error"
        assert "invalid column for filter secret" in system["message"]
        await client.listen("open", TOKENS["ann"], table="notes")
        world.sql("insert into notes (owner, title, secret) values (%s, 't', 'x')", ANN)
        (event,) = await client.until(lambda: client.of("postgres_changes"))
        assert "secret" not in event["data"]["record"]


@pytest.mark.parametrize("table", ["unheard", "nowhere"])
async def test_a_table_that_is_not_published_says_so(database: FreshDatabase, table: str) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        await client.join("t", postgres_changes=[{"event": "*", "schema": "public", "table": table}])
        (system,) = await client.until(lambda: client.of("system"))
        assert system["message"].startswith("Unable to subscribe to changes with given parameters. Please check")


async def test_wildcards_hear_every_table_that_their_role_may_read(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        await client.listen("schema")
        note(world, ANN, "hidden")
        world.sql("insert into news values (1, 'n', 'b')")
        world.sql("insert into keyless values ('k')")
        await client.until(lambda: len(client.changes()) >= 2)
        assert [(c["table"], c["errors"]) for c in client.changes()] == [
            ("news", None),
            ("keyless", ["Error 400: Bad Request, no primary key"]),
        ]


async def test_row_security_that_is_switched_on_or_changed_holds_at_once(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        await client.listen("news", TOKENS["ann"], table="news")
        world.sql("insert into news values (1, 'open', '')")
        await client.until(client.changes)
        world.sql("alter table news enable row level security")
        world.sql("insert into news values (2, 'closed', '')")
        world.sql("create policy all_of_it on news for select to authenticated using (title = 'seen')")
        world.sql("insert into news values (3, 'seen', '')")
        await client.until(lambda: len(client.changes()) > 1)
        assert [c["record"]["id"] for c in client.changes()] == [1, 3]


async def test_a_policy_that_fails_for_one_caller_keeps_nothing_from_the_others(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        world.sql("alter table news enable row level security")
        world.sql(
            "create policy fragile on news for select to authenticated"
            f" using (1 / (case when auth.uid() = '{BEN}' then 0 else 1 end) = 1)"
        )
        ann, ben = await world.connect(), await world.connect()
        await ben.listen("n", TOKENS["ben"], table="news")
        await ann.listen("n", TOKENS["ann"], table="news")
        world.sql("insert into news values (1, 'x', '')")
        await ann.until(ann.changes)
        assert ben.changes() == []


async def test_a_row_that_is_too_large_is_told_with_its_short_values(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        await client.listen("news", TOKENS["ann"], table="news")
        world.sql("insert into news values (1, 'short', repeat('x', 1100000))")
        (change,) = await client.until(client.changes)
        assert change["errors"] == ["Error 413: Payload Too Large"]
        assert change["record"] == {"id": 1, "title": "short"}


async def test_changes_that_were_lost_are_told_and_the_next_are_heard(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        client = await world.connect()
        await client.listen("news", table="news")
        (slot,) = world.sql("select slot_name from pg_replication_slots where database = current_database()")
        await world.until(lambda: _drop(world, slot[0]))
        world.sql("insert into news values (1, 'lost', '')")
        await client.until(lambda: [s for s in client.of("system") if "were lost" in s["message"]])
        await client.until(lambda: len([s for s in client.of("system") if s["status"] == "ok"]) == 2)
        world.sql("insert into news values (2, 'heard', '')")
        await client.until(lambda: [c for c in client.changes() if c["record"]["id"] == 2])


async def test_a_slot_that_nobody_needs_is_dropped(database: FreshDatabase) -> None:
    slots = "select slot_name from pg_replication_slots where database = current_database()"
    async with realtime_world(database) as world:
        world.app._routes["/realtime/v1"]._source._unused_seconds = 0.3  # type: ignore[attr-defined]
        client = await world.connect()
        await client.join("chat")
        assert world.sql(slots) == []
        await client.listen("news", table="news")
        assert len(world.sql(slots)) == 1
        await client.ask("realtime:news", "phx_leave", {})
        await world.until(lambda: world.sql(slots) == [])
        await client.listen("again", table="news")
        world.sql("insert into news values (1, 'again', '')")
        await client.until(client.changes)


async def test_a_pattern_that_takes_too_long_ends_its_own_channel_only(database: FreshDatabase) -> None:
    async with realtime_world(database) as world:
        evil, good = await world.connect(), await world.connect()
        await evil.listen("evil", table="news", filter="title=match.(" + "a?" * 400 + "a{1,200}){1,50}(b|c)\\1$")
        await evil.listen("wrong", table="news", filter="title=match.(")
        await good.listen("good", table="news", filter="title=like.a%")
        world.sql("insert into news values (1, repeat('a', 50000) || 'bc', '')")
        await good.until(good.changes)
        await evil.until(lambda: evil.of("phx_close", "wrong"))
        world.sql("insert into news values (2, 'ab', '')")
        await good.until(lambda: len(good.changes()) == 2)


def _drop(world: World, slot: str) -> bool:
    try:
        world.sql("select pg_drop_replication_slot(%s)", slot)
    except Exception:  # noqa: BLE001 - it is being read at this moment
        return False
    return True


def note(world: World, owner: str, title: str) -> None:
    world.sql("insert into notes (owner, title) values (%s, %s)", owner, title)
