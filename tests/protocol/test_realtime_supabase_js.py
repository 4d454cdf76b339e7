"""supabase.channel() of an unmodified supabase-js, in both of its protocols."""

import pytest
from node_client import Speak
from realtime_world import ANN, ANON_KEY, SERVICE_KEY, TOKENS, realtime_world

from freehold.testing.database import FreshDatabase

pytestmark = pytest.mark.protocol


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
async def test_realtime_answers_an_unmodified_client(database: FreshDatabase, speak: Speak, version: str) -> None:
    async with realtime_world(database) as world:
        world.sql("grant select (secret) on notes to service_role")
        outcomes = await speak(
            "realtime_app.mjs",
            URL=world.url,
            VSN=version,
            PUBLISHABLE="sb_publishable_test",
            ANON_KEY=ANON_KEY,
            SERVICE_KEY=SERVICE_KEY,
            ANN=ANN,
            ANN_TOKEN=TOKENS["ann"],
            BEN_TOKEN=TOKENS["ben"],
        )
    problems = [item for item in outcomes if not item["ok"]]
    assert problems == [], problems
    assert len(outcomes) == 7
