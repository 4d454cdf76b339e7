"""How the runtime's worker processes on one machine talk: the leader listens on a unix socket, the others connect.

Frames are a length of four bytes and JSON `{"k": kind, "o": origin, "b": body}`; one that must be confirmed has a
number `n`, which the receiver sends back once its handler has returned. What a follower says reaches all others.
"""

import asyncio
import contextlib
import hmac
import logging
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson

from freehold.runtime.connections import Connections

FRAME_LIMIT_BYTES = 256 * 1024 * 1024
WAITING_LIMIT_BYTES = 64 * 1024 * 1024
CONFIRM_WITHIN_SECONDS = 10.0
HELLO_WITHIN_SECONDS = 5.0
JOINED = "joined"
"""A worker can be reached from now on; its id is the body's `worker`."""
LEFT = "left"
"""A worker is gone."""
ALONE = "alone"
"""This process has lost its leader."""

Body = dict[str, Any]
Handler = Callable[[Body, str], None]
_log = logging.getLogger("freehold.bus")


class BusLost(Exception):
    """The leader's socket cannot be reached, or was closed."""


class Bus:
    """This process's end. Handlers are called in the order of arrival, with a body and its sender's id."""

    def __init__(self, directory: Path | None = None) -> None:
        """Nobody is connected: everything said reaches nobody, which is right for a process that is alone.

        The socket is made below `directory`, which all workers of a machine must see; without one, where temporary
        files are.
        """
        self._directory = directory
        self.worker = secrets.token_hex(8)
        self._handlers: dict[str, list[Handler]] = {}
        self._peers: dict[str, _Peer] = {}
        self._leader: _Peer | None = None
        self._leader_id = ""
        self._others: set[str] = set()
        """Who follows the same leader as this process."""
        self._came = asyncio.Event()
        self._waiting: dict[int, tuple[asyncio.Future[None], set[str]]] = {}
        self._number = 0
        self.leads = False

    def on(self, kind: str, handler: Handler) -> None:
        """Have `handler` called for each message of this kind from another worker."""
        self._handlers.setdefault(kind, []).append(handler)

    def send(self, kind: str, body: Body) -> None:
        """Tell all other workers; a process that cannot take it is dropped, never waited for."""
        frame = _frame(kind, self.worker, body)
        if self._leader is not None:
            self._leader.write(frame)
        for peer in list(self._peers.values()):
            peer.write(frame)

    def send_to(self, worker: str, kind: str, body: Body) -> None:
        """Tell one worker, as the leader."""
        if worker in self._peers:
            self._peers[worker].write(_frame(kind, self.worker, body))

    async def confirmed(self, kind: str, body: Body) -> None:
        """Tell all other workers as the leader, and wait until each has it; one that is late is dropped."""
        if not self._peers:
            return
        self._number += 1
        number = self._number
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = (done, set(self._peers))
        frame = _frame(kind, self.worker, body, number)
        for peer in list(self._peers.values()):
            peer.write(frame)
        try:
            async with asyncio.timeout(CONFIRM_WITHIN_SECONDS):
                await asyncio.shield(done)
        except TimeoutError:
            for late in self._waiting[number][1]:
                _log.warning("worker %s did not confirm in time and was disconnected", late)
                self._peers[late].abort()
        finally:
            self._waiting.pop(number, None)

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[tuple[str, str]]:
        """Lead: give the socket's address and secret while the block runs, then close it."""
        # Mode 0700, and a name nobody can foresee.
        folder = Path(tempfile.mkdtemp(prefix="freehold-bus-", dir=self._directory))
        secret = secrets.token_urlsafe(24)
        address = str(folder / "s")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._serve(_Peer(reader, writer), secret)

        connections = Connections(serve)
        server = await asyncio.start_unix_server(connections.accept, address)
        self.leads = True
        try:
            yield address, secret
        finally:
            self.leads = False
            server.close()
            for peer in list(self._peers.values()):
                peer.abort()
            await connections.stop()
            shutil.rmtree(folder, ignore_errors=True)

    async def gathered(self, within_seconds: float) -> None:
        """Lead: wait until those follow who followed the last leader beside this process, at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                while not self._others <= self._peers.keys():
                    self._came.clear()
                    await self._came.wait()
        self._others.clear()

    async def follow(self, address: str, secret: str) -> None:
        """Follow the leader at this address until it goes; raises BusLost when it cannot be reached."""
        try:
            reader, writer = await asyncio.open_unix_connection(address)
        except OSError as error:
            raise BusLost("the leading worker cannot be reached") from error
        leader = _Peer(reader, writer)
        leader.write(_frame("hello", self.worker, {"secret": secret}))
        try:
            first = await leader.read()
            self._leader, self._leader_id, self._others = leader, first["o"], set()
            self._handle(JOINED, {"worker": first["o"]}, first["o"])
            while True:
                message = await leader.read()
                self._note(message)
                self._handle(message["k"], message["b"], message["o"])
                if "n" in message:
                    leader.write(_frame("have", self.worker, {"n": message["n"]}))
        except BusLost:
            return
        finally:
            leader.abort()
            if self._leader is not None:
                self._leader = None
                self._handle(ALONE, {}, self.worker)

    def _note(self, message: Body) -> None:
        """Learn who else follows: each says something when another comes."""
        if message["k"] == LEFT:
            self._others.discard(message["b"]["worker"])
        else:
            self._others.add(message["o"])
        self._others -= {self.worker, self._leader_id}

    async def _serve(self, peer: "_Peer", secret: str) -> None:
        try:
            async with asyncio.timeout(HELLO_WITHIN_SECONDS):
                hello = await peer.read()
        except (BusLost, TimeoutError):
            peer.abort()
            return
        if hello.get("k") != "hello" or not hmac.compare_digest(str(hello["b"].get("secret")), secret):
            peer.abort()
            return
        worker = hello["o"]
        peer.write(_frame("welcome", self.worker, {}))
        self._peers[worker] = peer
        self._came.set()
        self._handle(JOINED, {"worker": worker}, worker)
        self._relay(JOINED, {"worker": worker}, worker)
        try:
            while True:
                message = await peer.read()
                if message["k"] == "have":
                    self._confirm(message["b"]["n"], worker)
                    continue
                self._handle(message["k"], message["b"], worker)
                self._relay(message["k"], message["b"], worker)
        except BusLost:
            pass
        finally:
            self._part(worker, peer)

    def _part(self, worker: str, peer: "_Peer") -> None:
        peer.abort()
        if self._peers.get(worker) is peer:
            del self._peers[worker]
        for number in list(self._waiting):
            self._confirm(number, worker)
        self._handle(LEFT, {"worker": worker}, worker)
        self._relay(LEFT, {"worker": worker}, worker)

    def _confirm(self, number: int, worker: str) -> None:
        if number in self._waiting:
            done, missing = self._waiting[number]
            missing.discard(worker)
            if not missing and not done.done():
                done.set_result(None)

    def _relay(self, kind: str, body: Body, origin: str) -> None:
        if len(self._peers) > (origin in self._peers):
            frame = _frame(kind, origin, body)
            for worker, peer in list(self._peers.items()):
                if worker != origin:
                    peer.write(frame)

    def _handle(self, kind: str, body: Body, origin: str) -> None:
        for handler in self._handlers.get(kind, ()):
            handler(body, origin)


class _Peer:
    """One connected process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def write(self, frame: bytes) -> None:
        if self._writer.transport.get_write_buffer_size() > WAITING_LIMIT_BYTES:
            _log.warning("a worker does not read what it is told and was disconnected")
            self.abort()
        elif not self._writer.is_closing():
            self._writer.write(frame)

    async def read(self) -> Body:
        try:
            size = int.from_bytes(await self._reader.readexactly(4))
            if size > FRAME_LIMIT_BYTES:
                raise BusLost("a frame is too long")
            message: Body = orjson.loads(await self._reader.readexactly(size))
        except (OSError, EOFError, ValueError) as error:
            raise BusLost("the connection was closed") from error
        return message

    def abort(self) -> None:
        self._writer.transport.abort()


def _frame(kind: str, origin: str, body: Body, number: int | None = None) -> bytes:
    message = {"k": kind, "o": origin, "b": body} | ({} if number is None else {"n": number})
    content = orjson.dumps(message)
    return len(content).to_bytes(4) + content
