"""An unmodified @base44/sdk against the runtime: two people, an attacker, a visitor, an admin and a function."""

from pathlib import Path

import pytest
from base44_local import vendored
from base44_world import APP, base44_world
from functions_world import DENO
from node_client import Speak

from freehold.runtime.settings import FunctionLimits
from freehold.testing.database import FreshDatabase

pytestmark = [pytest.mark.protocol, pytest.mark.skipif(not DENO, reason="Deno is not installed")]

ECHO = Path(__file__).parents[1] / "support/base44_functions/echo.ts"


async def test_the_sdk_finds_everything_it_asks_for(database: FreshDatabase, tmp_path: Path, speak: Speak) -> None:
    made = vendored(tmp_path, {"echo": ECHO.read_text()})
    limits = FunctionLimits(heap_megabytes=128, memory_megabytes=400)
    async with base44_world(database, tmp_path, functions=made, deno=DENO, function_limits=limits) as world:
        ann, ann_id = world.person("ann")
        results = await speak(
            "base44_app.mjs",
            URL=world.url,
            APP=APP,
            ANN=ann,
            ANN_ID=ann_id,
            BEN=world.person("ben")[0],
            EVE=world.person("eve")[0],
            ADMIN=world.person("admin", role="admin")[0],
            SERVICE=world.service_token(),
            MAIL=str(world.settings.mail_directory),
        )
    assert len(results) >= 24
    failed = "\n".join(f"{item['name']}: {item['error']}" for item in results if not item["ok"])
    assert not failed, failed
