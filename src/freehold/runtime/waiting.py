"""Waiting for an event, but not for ever."""

import asyncio


async def happens(event: asyncio.Event, seconds: float) -> bool:
    """Wait until the event is set, for so many seconds at most; gives whether it is.

    A cancellation always ends the wait, also one that comes as the event is set. `asyncio.wait_for` of Python 3.11
    gives the result then and forgets the cancellation (bpo-37658), so that a loop around it goes on for ever, and with
    it whoever waits for its end.
    """
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
