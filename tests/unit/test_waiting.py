"""A wait with a limit ends when it is cancelled, whatever happens in the same moment."""

import asyncio

import pytest

from freehold.runtime import waiting


async def test_it_says_whether_the_event_came() -> None:
    event = asyncio.Event()
    assert not await waiting.happens(event, 0.01)
    asyncio.get_running_loop().call_soon(event.set)
    assert await waiting.happens(event, 60)


@pytest.mark.parametrize("first", ["event", "cancellation"])
async def test_a_loop_around_it_ends_when_it_is_cancelled_as_the_event_comes(first: str) -> None:
    event, turns = asyncio.Event(), 0

    async def loop() -> None:
        nonlocal turns
        while True:
            event.clear()
            turns += 1
            await waiting.happens(event, 60)

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    acts = [event.set, task.cancel] if first == "event" else [task.cancel, event.set]
    for act in acts:
        act()
        await asyncio.sleep(0)
    done, _ = await asyncio.wait((task,), timeout=10)
    assert done
    assert task.cancelled()
    assert turns in (1, 2)
