"""A mail server that keeps what it takes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from own_loop import in_a_thread


@dataclass
class Sink:
    """What it took. `refusal` is what it answers to RCPT instead of 250."""

    port: int = 0
    refusal: str = ""
    recipients: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 sink")
        while line := (await reader.readline()).decode().strip():
            self.lines.append(line)
            verb = line.split()[0].upper()
            if verb == "RCPT":
                self.recipients.append(line)
                say(self.refusal or "250 ok")
            elif verb == "DATA":
                say("354 go on")
                self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                say("250 taken")
            elif verb == "QUIT":
                say("221 bye")
                break
            else:
                say("250 ok")
        writer.close()


@contextlib.asynccontextmanager
async def sink(refusal: str = "", host: str = "127.0.0.1") -> AsyncIterator[Sink]:
    """Listen on a free port of an address."""
    found = Sink(refusal=refusal)
    server = await asyncio.start_server(found.talk, host, 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found


@contextlib.contextmanager
def running_sink(host: str = "127.0.0.1") -> Iterator[Sink]:
    """The same for a test that is no coroutine."""
    with in_a_thread(sink(host=host)) as (found, _loop):
        yield found
