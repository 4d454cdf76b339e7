"""Unmodified supabase-js from npm reads and writes as apps do."""

import pytest
from node_client import Speak
from rest_world import ANN, ANON_KEY, BEN, PREFIX, SERVICE_KEY, TOKENS, rest_world

from freehold.testing.database import FreshDatabase

pytestmark = pytest.mark.protocol


async def test_an_unchanged_client_does_everything_that_apps_do(speak: Speak, database: FreshDatabase) -> None:
    async with rest_world(database) as world:
        cases = await speak(
            "rest_app.mjs",
            URL=world.url.removesuffix(PREFIX),
            ANON=ANON_KEY,
            SERVICE=SERVICE_KEY,
            PUBLISHABLE="sb_publishable_test",
            SECRET="sb_secret_test",
            ANN=ANN,
            BEN=BEN,
            ANN_TOKEN=TOKENS["ann"],
            BEN_TOKEN=TOKENS["ben"],
        )
    failed = [case for case in cases if not case["ok"]]
    assert not failed, "\n".join(f"{case['name']}: {case['error']}" for case in failed)
    assert len(cases) == 13
