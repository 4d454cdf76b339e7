"""Unmodified supabase-js from npm uses storage as apps do."""

from pathlib import Path

import pytest
from node_client import Speak
from storage_world import ANN, ANON_KEY, BEN, OWN_FOLDER, PREFIX, SERVICE_KEY, storage_world

from freehold.testing.database import FreshDatabase

pytestmark = pytest.mark.protocol


async def test_an_unchanged_client_does_everything_that_apps_do(
    speak: Speak, database: FreshDatabase, tmp_path: Path
) -> None:
    async with storage_world(database, tmp_path / "storage") as world:
        world.bucket("files")
        world.bucket("open", public=True)
        world.sql(OWN_FOLDER)
        cases = await speak(
            "storage_app.mjs",
            URL=world.url.removesuffix(PREFIX),
            ANON=ANON_KEY,
            SERVICE=SERVICE_KEY,
            ANN=ANN,
            BEN=BEN,
            ANN_TOKEN=world.tokens["ann"],
            BEN_TOKEN=world.tokens["ben"],
        )
        assert len(cases) == 12
        assert [case for case in cases if not case["ok"]] == []
        assert len(world.files()) == world.sql("select count(*) from storage.objects")[0][0]
