"""The door to PostgreSQL: one login and one database, whatever the program asks for.

The program speaks PostgreSQL's protocol to its own loopback. Its first message is looked at; then bytes pass as they
are, so that every driver works. Encryption ends here: the program's side never leaves the machine.
"""

import asyncio
import contextlib
import ssl
import struct
from dataclasses import dataclass

from freehold.core.secret import Secret
from freehold.kit import postgres, tls_bridge
from freehold.runtime.workers.relay import Streams, both_ways

STARTUP_SECONDS = 30.0
CONNECT_SECONDS = 10.0
LONGEST_STARTUP_BYTES = 10_000
"""As PostgreSQL has it."""
_SSL, _GSS, _VERSION_3 = 80877103, 80877104, 3
_HEAD_BYTES = 8
_PLAIN = ("disable", "allow")


class _Refused(Exception):
    """What the program is told, with PostgreSQL's code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where PostgreSQL is, as libpq's names say it."""

    user: str
    password: str
    name: str
    host: str
    port: int
    sslmode: str
    root_certificate: str

    @property
    def is_socket(self) -> bool:
        """Whether it is reached by a Unix socket of this machine."""
        return self.host.startswith("/")


def address(dsn: Secret) -> Address:
    """Read a connection string; of several hosts the first."""
    given = postgres.parameters(dsn)
    return Address(
        user=given.get("user", ""),
        password=given.get("password", ""),
        name=given.get("dbname", given.get("user", "")),
        host=(given.get("hostaddr") or given.get("host") or "localhost").split(",")[0],
        port=int((given.get("port") or "5432").split(",")[0]),
        sslmode=given.get("sslmode", "prefer"),
        root_certificate=given.get("sslrootcert", ""),
    )


class DatabaseDoor:
    """Answers the program's connections to its port 5432."""

    def __init__(self, target: Address) -> None:
        """Nothing is connected yet."""
        self._target = target

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            async with asyncio.timeout(STARTUP_SECONDS):
                message = await _startup(reader, writer)
                if message is None:
                    return
                self._check(message)
                upstream = await self._connect()
        except _Refused as error:
            writer.write(_error(error.code, str(error)))
            await writer.drain()
            return
        upstream[1].write(message)
        if upstream[1].get_extra_info("ssl_object") is not None:
            writer.write(await _without_binding(upstream[0]))
        await both_ways((reader, writer), upstream)

    def _check(self, message: bytes) -> None:
        """Raise _Refused unless the program asks for its own role and database."""
        words = message[8:].split(b"\0")
        names = [name for name in words[::2] if name]
        given = dict(zip(names, words[1::2], strict=False))
        user = given.get(b"user", b"").decode("utf-8", "replace")
        name = given.get(b"database", given.get(b"user", b"")).decode("utf-8", "replace")
        if (user, name) != (self._target.user, self._target.name):
            raise _Refused("28000", f"this way leads to database {self._target.name} as {self._target.user} only")
        if any(word.lower() == b"replication" for word in given):
            raise _Refused("28000", "this way is not for replication")
        # A name that comes twice would be read here once and by PostgreSQL as it likes.
        if len(given) != len(names):
            raise _Refused("08P01", "the start of the connection says something twice")

    async def _connect(self) -> Streams:
        target = self._target
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if target.is_socket:
                    return await asyncio.open_unix_connection(f"{target.host}/.s.PGSQL.{target.port}")
                streams = await asyncio.open_connection(target.host, target.port)
                return streams if target.sslmode in _PLAIN else await self._secured(streams)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            raise _Refused("57P03", "PostgreSQL cannot be reached at the moment") from error

    async def _secured(self, streams: Streams) -> Streams:
        reader, writer = streams
        writer.write(struct.pack("!ii", 8, _SSL))
        if await reader.readexactly(1) != b"S":
            writer.close()
            if self._target.sslmode == "prefer":
                return await asyncio.open_connection(self._target.host, self._target.port)
            raise _Refused("08004", "PostgreSQL offers no TLS")
        try:
            context = tls_bridge.client_context(self._target.sslmode, self._target.root_certificate)
            await writer.start_tls(context, server_hostname=self._target.host)
        except ssl.SSLError as error:
            raise _Refused("08004", "PostgreSQL's certificate is not accepted") from error
        return streams


async def _startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | None:
    """Read the first message of protocol 3; None for a request to cancel, which is not passed on."""
    for _ in range(3):
        head = await reader.readexactly(_HEAD_BYTES)
        length, code = struct.unpack("!ii", head)
        if code in (_SSL, _GSS) and length == _HEAD_BYTES:
            writer.write(b"N")
            continue
        if not _HEAD_BYTES <= length <= LONGEST_STARTUP_BYTES or code >> 16 != _VERSION_3:
            return None
        return head + await reader.readexactly(length - _HEAD_BYTES)
    return None


def _error(code: str, text: str) -> bytes:
    fields = ("SFATAL", "VFATAL", f"C{code}", f"M{text}")
    body = b"".join(field.encode() + b"\0" for field in fields) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


async def _without_binding(reader: asyncio.StreamReader) -> bytes:
    """Take the way of logging in that binds to TLS from the server's offer: the program's side has none."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        head = await reader.readexactly(9)
        kind, length, code = struct.unpack("!cii", head)
        if kind != b"R" or code != tls_bridge.SASL:
            return head
        return tls_bridge.offer(await reader.readexactly(length - 8))
    return b""
