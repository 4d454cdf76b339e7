"""Engine.IO 4 and Socket.IO 5 frames on a WebSocket, as far as the SDK's client speaks them. Pure."""

import json
from dataclasses import dataclass

from freehold.kit import json_text

PING_SECONDS = 25.0
PING_WITHIN_SECONDS = 20.0
LARGEST_FRAME_BYTES = 64 * 1024
PING, PONG, CONNECT, DISCONNECT, EVENT = "2", "3", "40", "41", "42"


@dataclass(frozen=True)
class Event:
    """What a client emits; `acknowledge` is the number that it waits for, "" for none."""

    name: str
    arguments: tuple[object, ...]
    acknowledge: str = ""


def opening(sid: str) -> str:
    """The server's first frame."""
    return "0" + json.dumps({
        "sid": sid, "upgrades": [], "pingInterval": int(PING_SECONDS * 1000),
        "pingTimeout": int(PING_WITHIN_SECONDS * 1000), "maxPayload": LARGEST_FRAME_BYTES,
    })  # fmt: skip


def connected(sid: str) -> str:
    """The answer to a client that connects to the main namespace."""
    return CONNECT + json.dumps({"sid": sid})


def refused(message: str) -> str:
    """The answer to a client that may not."""
    return "44" + json.dumps({"message": message})


def emitted(name: str, *arguments: object) -> str:
    """An event for the client."""
    return EVENT + json.dumps([name, *arguments], ensure_ascii=False)


def read_event(frame: str) -> Event | None:
    """Read an event of a client; None for anything else."""
    if not frame.startswith(EVENT):
        return None
    rest = frame[len(EVENT) :]
    number = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    try:
        value = json_text.read(rest[len(number) :])
    except ValueError:
        return None
    if not isinstance(value, list) or not value or not isinstance(value[0], str):
        return None
    return Event(value[0], tuple(value[1:]), number)
