"""A release that is not live parts from its clients, and every release counts what it answers."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from freehold.runtime.standing import Parting, Standing
from freehold.runtime.traffic import FORMAT, Counted


class Answering:
    """Answers with a status, or not at all."""

    def __init__(self, status: int) -> None:
        self._status = status

    async def start(self) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        if not self._status:
            raise ConnectionError
        await send({"type": "http.response.start", "status": self._status, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b""})


async def _ask(app: Any, kind: str = "http") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app({"type": kind}, None, send)
    return sent


def test_a_release_is_live_while_the_link_names_it(tmp_path: Path) -> None:
    link = tmp_path / "live"
    standing = Standing(link, "41")
    assert not standing.live
    link.symlink_to("../somewhere/41")
    assert standing.look()
    link.unlink()
    link.symlink_to("42")
    assert not standing.look()
    assert Standing(None, "").live


async def test_a_release_that_is_not_live_ends_each_connection_with_its_answer(tmp_path: Path) -> None:
    link = tmp_path / "live"
    standing = Standing(link, "41")
    app = Parting(Answering(200), standing)
    assert (await _ask(app))[0]["headers"] == [(b"a", b"b"), (b"connection", b"close")]
    link.symlink_to("41")
    standing.look()
    assert (await _ask(app))[0]["headers"] == [(b"a", b"b")]


@pytest.mark.parametrize(("status", "failed"), [(200, 0), (404, 0), (499, 0), (500, 1), (503, 1)])
async def test_answers_of_500_and_above_are_failures(tmp_path: Path, status: int, failed: int) -> None:
    app = Counted(Parting(Answering(status), Standing(None, "")), tmp_path / "traffic")
    await asyncio.gather(_ask(app), _ask(app), _ask(app, "websocket"))
    (file,) = (tmp_path / "traffic").iterdir()
    assert FORMAT.unpack(file.read_bytes()) == (2, 2 * failed)


async def test_no_answer_at_all_is_a_failure(tmp_path: Path) -> None:
    app = Counted(Parting(Answering(0), Standing(None, "")), tmp_path / "traffic")
    with pytest.raises(ConnectionError):
        await _ask(app)
    (file,) = (tmp_path / "traffic").iterdir()
    assert FORMAT.unpack(file.read_bytes()) == (1, 1)
