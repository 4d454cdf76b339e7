"""Whether this process's release is the live one: a link names the live release, and nothing else says so.

A release that is not live serves whoever asks on its own socket, and does nothing by itself: it leads no election, and
tells its clients to come again on a new connection, which the live release then answers.
"""

from pathlib import Path

from freehold.runtime.services import Message, ProtocolApp, Receive, Scope, Send

CLOSE = (b"connection", b"close")


class Standing:
    """How a release stands by its link; without a link it is always live."""

    def __init__(self, link: Path | None, name: str) -> None:
        """`name` is what the link has to end in."""
        self._link = link
        self._name = name
        self.live = self._read()

    def look(self) -> bool:
        """Read the link again."""
        self.live = self._read()
        return self.live

    def _read(self) -> bool:
        if self._link is None:
            return True
        try:
            return self._link.readlink().name == self._name
        except OSError:
            return False


class Parting:
    """Lets a release that is not live say goodbye: each HTTP answer is the last one of its connection."""

    def __init__(self, app: ProtocolApp, standing: Standing) -> None:
        """Wrap the whole runtime."""
        self._app = app
        self._standing = standing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the runtime does."""
        if self._standing.live or scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def parting(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), CLOSE]}
            await send(message)

        await self._app(scope, receive, parting)

    async def start(self) -> None:
        """Start what is wrapped."""
        await self._app.start()

    async def stop(self) -> None:
        """Stop what is wrapped."""
        await self._app.stop()
