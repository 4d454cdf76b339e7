"""What the app's own Python server keeps for itself, such as users' password hashes: no way of the API shows it."""

import pytest
from realtime_world import ANN, ANON_KEY, TOKENS, World, realtime_world

from freehold import platform
from freehold.testing.database import FreshDatabase

KEPT = """
set role freehold_server;
create table server.auth_user (id bigint generated always as identity primary key, password text, owner uuid);
reset role
"""


async def _say(world: World, path: str, who: str, **headers: str) -> tuple[int, str]:
    sent = {"apikey": ANON_KEY, **({"authorization": f"Bearer {TOKENS[who]}"} if TOKENS[who] else {}), **headers}
    async with world.http.get(f"{world.url}/rest/v1{path}", headers=sent) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize("who", ["anon", "ann", "service"])
async def test_rest_and_realtime_show_nothing_of_it(database: FreshDatabase, who: str) -> None:
    async with realtime_world(database) as world:
        platform.open_to_server(world.admin)
        for statement in KEPT.split(";"):
            world.sql(statement)
        # More than the server could do itself: only the owner of a publication adds a table to it.
        world.sql("alter publication supabase_realtime add table server.auth_user")
        client = await world.connect()
        reply = await client.join(
            "kept", TOKENS[who], postgres_changes=[{"event": "*", "schema": "server", "table": "auth_user"}]
        )
        other = await world.connect()
        await other.listen("notes", TOKENS["ann"], table="notes")
        world.sql("insert into server.auth_user (password, owner) values ('pbkdf2-hash', %s)", ANN)
        world.sql("insert into notes (owner, title) values (%s, 'after it')", ANN)
        await other.until(other.changes)
        assert "pbkdf2-hash" not in str(client.heard), reply
        assert "password" not in str(client.heard), "not even the column's name"
        for path, headers in (
            ("/auth_user", {}),
            ("/server.auth_user", {}),
            ("/auth_user", {"accept-profile": "server"}),
            ("/notes?select=*,auth_user(*)", {}),
            ("/", {"accept-profile": "server"}),
            ("/", {}),
        ):
            status, text = await _say(world, path, who, **headers)
            assert "pbkdf2-hash" not in text
            assert "auth_user" not in text or status >= 400, (path, text)
            assert status in (200, 400, 404, 406), (path, text)
