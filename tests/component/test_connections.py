"""Connections that a process answers itself."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from freehold.runtime.connections import Answer, Connections

SOCKET = "s"


@contextlib.asynccontextmanager
async def listening(folder: Path, answer: Answer, most: int | None = None) -> AsyncIterator[Connections]:
    connections = Connections(answer, most)
    server = await asyncio.start_unix_server(connections.accept, folder / SOCKET)
    async with server:
        yield connections
        await connections.stop()


async def said(folder: Path) -> bytes:
    """Connect, and give everything that is said until the end."""
    reader, writer = await asyncio.open_unix_connection(folder / SOCKET)
    try:
        return await reader.read()
    finally:
        writer.close()


async def for_ever(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"there")
    await asyncio.Event().wait()


async def test_a_connection_is_closed_once_it_is_answered(tmp_path: Path) -> None:
    async def hello(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")

    async with listening(tmp_path, hello):
        assert [await said(tmp_path) for _ in range(3)] == [b"hello"] * 3


async def test_stopping_ends_what_is_open_without_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with listening(tmp_path, for_ever) as connections:
        reader, writer = await asyncio.open_unix_connection(tmp_path / SOCKET)
        assert await reader.readexactly(5) == b"there"
        await connections.stop()
        assert await reader.read() == b""
        assert await said(tmp_path) == b"", "one that comes later is not answered"
        writer.close()
    assert caplog.records == []


async def test_one_more_than_may_be_open_is_reset(tmp_path: Path) -> None:
    async with listening(tmp_path, for_ever, most=1):
        reader, writer = await asyncio.open_unix_connection(tmp_path / SOCKET)
        assert await reader.readexactly(5) == b"there"
        assert await said(tmp_path) == b""
        writer.close()


async def test_a_fault_is_told_and_closes_the_connection(tmp_path: Path) -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))

    async def broken(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        raise LookupError("by design")

    async with listening(tmp_path, broken):
        assert await said(tmp_path) == b""
    assert [str(fault) for fault in told] == ["by design"]
