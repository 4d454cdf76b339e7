"""How the worker processes of one machine hear of each other."""

import asyncio
from pathlib import Path

from freehold.runtime.bus import JOINED, Bus


async def test_a_new_leader_begins_when_those_who_followed_the_last_one_follow_it(tmp_path: Path) -> None:
    last, first, second = (Bus(tmp_path) for _ in range(3))
    met, heard = asyncio.Event(), []
    for bus in (first, second):
        bus.on(JOINED, lambda *_, bus=bus: bus.send("here", {}))
    first.on("here", lambda _, origin: met.set() if origin == second.worker else None)
    second.on("change", lambda body, _: heard.append(body["n"]))
    async with asyncio.timeout(60):
        async with last.listening() as where:
            following = [asyncio.create_task(bus.follow(*where)) for bus in (first, second)]
            await met.wait()
        await asyncio.gather(*following)
        async with first.listening() as where:
            gathering = asyncio.create_task(first.gathered(60))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not gathering.done()
            following = [asyncio.create_task(second.follow(*where))]
            await gathering
            await first.confirmed("change", {"n": 1})
            assert heard == [1], "and nothing was said before that"
        await asyncio.gather(*following)


async def test_a_leader_that_knows_nobody_waits_for_nobody(tmp_path: Path) -> None:
    last, only, gone = (Bus(tmp_path) for _ in range(3))
    met, parted = asyncio.Event(), asyncio.Event()
    gone.on(JOINED, lambda *_: gone.send("here", {}))
    only.on("here", lambda *_: met.set())
    only.on("left", lambda *_: parted.set())
    async with asyncio.timeout(60):
        async with last.listening() as where:
            following = [asyncio.create_task(bus.follow(*where)) for bus in (only, gone)]
            await met.wait()
            following[1].cancel()
            await parted.wait()
        await asyncio.gather(*following, return_exceptions=True)
        async with only.listening():
            await only.gathered(3600)
