"""Answers leave in one write where they are complete at once, and are HTTP in every other case too."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from freehold.runtime.http_protocol import WRITTEN_TOGETHER_BYTES, OneWriteProtocol, _Cycle
from freehold.runtime.services import WHOLE

Send = Callable[[dict[str, Any]], Awaitable[None]]
Answer = Callable[[Send], Awaitable[None]]
GET = b"GET /a?b=c HTTP/1.1\r\nhost: x\r\n\r\n"


def uvicorns_own() -> RequestResponseCycle:
    """A request as uvicorn begins one, of nothing."""
    return RequestResponseCycle(**dict.fromkeys(inspect.signature(RequestResponseCycle).parameters))  # type: ignore[arg-type]


class Wire(asyncio.Transport):
    """Keeps every write."""

    protocol: OneWriteProtocol

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


async def test_a_request_begins_with_all_that_uvicorn_gives_one() -> None:
    protocol = connected(whole(b""), Wire())
    protocol.on_message_begin()
    ours, theirs = _Cycle(protocol, keep_alive=True), vars(uvicorns_own())
    assert {name for name in theirs if not hasattr(ours, name)} == {"access_logger"}  # there is no access log
    begins = {name: value for name, value in theirs.items() if value is not None}
    assert {name: getattr(ours, name) for name in begins} == begins


@pytest.mark.parametrize(
    ("ours", "theirs", "own"),
    [
        (OneWriteProtocol, HttpToolsProtocol, {"_describe", "_close_later", "_close_if_idle", "_idle_since"}),
        (_Cycle, uvicorns_own(), {"answer", "_start", "_finish", "_write_head", "_is_plain", "_head", "task"}),
    ],
)
def test_what_takes_the_place_of_uvicorns_own_has_one_there(ours: type, theirs: object, own: set[str]) -> None:
    named = {name for name in vars(ours) if not name.startswith("__")}
    assert {name for name in named if not hasattr(theirs, name)} == own


async def test_a_complete_answer_is_one_write() -> None:
    wire = await asked(GET, whole(b"hello", (b"Content-Length", b"5")))
    assert wire.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"]
    assert not wire.closed


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
async def test_an_answer_that_comes_as_one_message_is_one_write(method: bytes) -> None:
    async def answer(send: Send) -> None:
        headers = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": headers, "body": b"hello"})

    scopes: list[Any] = []
    wire = await asked(GET.replace(b"GET", method), answer, scopes=scopes)
    assert wire.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n" + b"hello" * (method == b"GET")]
    assert WHOLE in scopes[0]["extensions"]


async def test_an_answer_in_one_message_waits_for_a_slow_reader() -> None:
    wire = Wire()

    async def answer(send: Send) -> None:
        wire.protocol.pause_writing()
        asyncio.get_running_loop().call_soon(wire.protocol.resume_writing)
        headers = [(b"content-length", b"5")]
        await send({"type": "http.response.start", "status": 200, "headers": headers, "body": b"hello"})

    await asked(GET, answer, wire)
    assert wire.writes == [b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", b"hello"]


async def test_an_idle_connection_is_closed_and_one_in_use_is_not() -> None:
    assert (await kept(b"")).closed
    assert not (await kept(b"GET /half HT")).closed


async def test_a_connection_that_is_used_again_is_idle_from_then_on() -> None:
    wire = await kept(GET)
    assert wire.writes[1] == wire.writes[0]
    assert not wire.closed


async def test_a_long_body_is_not_copied() -> None:
    body = b"x" * (WRITTEN_TOGETHER_BYTES + 1)
    wire = await asked(GET, whole(body, (b"content-length", b"%d" % len(body))))
    assert wire.writes[1] == body


async def test_the_head_of_a_stream_does_not_wait_for_its_body() -> None:
    seen: list[int] = []
    wire = Wire()

    async def streams(send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not wire.writes:  # noqa: ASYNC110 - the loop itself is what is waited for
            await asyncio.sleep(0)
        seen.append(len(wire.writes))
        await send({"type": "http.response.body", "body": b"one", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    await asked(GET, streams, wire)
    assert seen == [1]
    assert wire.writes == [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n",
    ]  # fmt: skip


async def test_head_has_the_length_but_no_body() -> None:
    wire = await asked(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n", whole(b"hello", (b"content-length", b"5")))
    assert b"".join(wire.writes) == b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"


async def test_no_content_is_a_head_alone() -> None:
    wire = await asked(GET, whole(b"", status=204))
    assert b"".join(wire.writes) == b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.mark.parametrize("version", [b"1.0", b"1.1\r\nconnection: close"])
async def test_a_connection_that_will_not_be_kept_is_closed_after_the_answer(version: bytes) -> None:
    wire = await asked(b"GET / HTTP/" + version + b"\r\n\r\n", whole(b"x", (b"content-length", b"1")))
    assert b"".join(wire.writes) == b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx"
    assert wire.closed


@pytest.mark.parametrize(
    "header", [(b"x", b"a\r\nset-cookie: b"), (b"x", b"a\nb"), (b"x", b"a\0b"), (b"x\r\ny", b"evil"), (b"a b", b"evil")]
)
async def test_a_header_that_would_break_the_answer_is_never_sent(header: tuple[bytes, bytes]) -> None:
    wire = await asked(GET, whole(b"x", (b"content-length", b"1"), header))
    assert b"".join(wire.writes).startswith(b"HTTP/1.1 500 ")
    assert header[1] not in b"".join(wire.writes)


@pytest.mark.parametrize("length", [b"4", b"6"])
async def test_a_body_of_another_length_than_promised_ends_the_connection(length: bytes) -> None:
    wire = await asked(GET, whole(b"hello", (b"content-length", length)))
    assert b"hello" not in b"".join(wire.writes)
    assert wire.closed


async def test_requests_sent_together_are_answered_in_order() -> None:
    numbers = iter(b"123")

    async def counts(send: Send) -> None:
        await asyncio.sleep(0)
        await whole(bytes([next(numbers)]), (b"content-length", b"1"))(send)

    wire = await asked(GET * 3, counts)
    assert [answer[-1:] for answer in wire.writes] == [b"1", b"2", b"3"]


@pytest.mark.parametrize("target", [b"/a%20b?c=d%26", b"http://x/a%20b?c=d%26"])
async def test_a_target_is_read_as_uvicorn_reads_it(target: bytes) -> None:
    scopes: list[Any] = []
    await asked(b"GET " + target + b" HTTP/1.1\r\nhost: x\r\n\r\n", whole(b"", status=204), scopes=scopes)
    (scope,) = scopes
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a b", b"/a%20b", b"c=d%26")


def whole(body: bytes, *headers: tuple[bytes, bytes], status: int = 200) -> Answer:
    """An answer that is complete at once."""

    async def answer(send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


async def kept(then: bytes) -> Wire:
    """What becomes of a connection that was answered once, and then sent this, when its timer first rings.

    It is rung by hand, so that nobody waits for it.
    """
    wire = Wire()
    protocol = connected(whole(b"x", (b"content-length", b"1")), wire, timeout_keep_alive=1)
    protocol.data_received(GET)
    await answered(protocol)
    timer = protocol.timeout_keep_alive_task
    assert timer is not None
    timer.cancel()
    idle_since = protocol._idle_since
    assert idle_since is not None
    protocol._idle_since = idle_since - 1
    if then:
        protocol.data_received(then)
        await answered(protocol)
    protocol._close_if_idle()
    closed = wire.closed
    protocol.connection_lost(None)
    wire.closed = closed
    return wire


async def asked(request: bytes, answer: Answer, wire: Wire | None = None, *, scopes: list[Any] | None = None) -> Wire:
    """What is written for a request, once all tasks of the connection are done."""

    wire = wire or Wire()
    protocol = connected(answer, wire, scopes)
    protocol.data_received(request)
    await answered(protocol)
    protocol.connection_lost(ConnectionError())
    return wire


def connected(answer: Answer, wire: Wire, scopes: list[Any] | None = None, **config: Any) -> OneWriteProtocol:
    """The server's end of a connection."""

    async def app(scope: Any, _receive: Any, send: Send) -> None:
        if scopes is not None:
            scopes.append(scope)
        await answer(send)

    told = uvicorn.Config(app, http=OneWriteProtocol, ws="none", lifespan="off", log_config=None, **config)
    told.load()
    wire.protocol = OneWriteProtocol(told, ServerState(), {})
    wire.protocol.connection_made(wire)
    return wire.protocol


async def answered(protocol: OneWriteProtocol) -> None:
    """Wait until all that was asked on a connection is answered."""
    while protocol.tasks or protocol.pipeline:  # noqa: ASYNC110 - the loop itself is what is waited for
        await asyncio.sleep(0)
    await asyncio.sleep(0)
