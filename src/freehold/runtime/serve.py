"""Start the runtime on a listening socket: uvicorn with uvloop and httptools."""

import asyncio
import os
import signal
import socket

import uvicorn

from freehold.runtime import waiting
from freehold.runtime.app import RuntimeApp
from freehold.runtime.http_protocol import OneWriteProtocol
from freehold.runtime.settings import Settings
from freehold.runtime.standing import Parting, Standing
from freehold.runtime.traffic import Counted

BACKLOG = 2048
GRACEFUL_SECONDS = 20
WEBSOCKET_FRAME_BYTES = 5 * 1024 * 1024
LOOK_EVERY_SECONDS = 0.5


def serve(
    settings: Settings, listener: socket.socket, ready_fd: int | None = None, public: socket.socket | None = None
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way have GRACEFUL_SECONDS to finish.

    When every protocol has started, one byte is written to `ready_fd`. `public` is a further listening socket, shared
    with other releases: it is served while the settings' `live_link` names this one, which is looked at twice a second
    and on SIGUSR1. Connections wait in its queue while no process serves it.
    """
    standing = Standing(settings.live_link, settings.live_name)
    config = uvicorn.Config(
        Counted(Parting(RuntimeApp(settings, standing), standing), settings.traffic_directory),
        loop="uvloop",
        http=OneWriteProtocol,
        ws="websockets-sansio",
        ws_max_size=WEBSOCKET_FRAME_BYTES,
        # Compression would cost every open connection memory, and a small frame could unpack to a large one.
        ws_per_message_deflate=False,
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        h11_max_incomplete_event_size=None,
    )
    _Server(config, standing, ready_fd, public).run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, word to the process that started it, and a socket that is served while the release is live."""

    def __init__(
        self, config: uvicorn.Config, standing: Standing, ready_fd: int | None, public: socket.socket | None
    ) -> None:
        super().__init__(config)
        self._standing = standing
        self._ready_fd = ready_fd
        self._public = public
        self._open: asyncio.Server | None = None
        self._look_now = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._look_now.set)
        await self._look()
        self._looking = asyncio.create_task(self._keep_looking(), name="standing")
        if self._ready_fd is not None:
            os.write(self._ready_fd, b"1")
            os.close(self._ready_fd)
            self._ready_fd = None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._close()
        await super().shutdown(sockets)

    async def _keep_looking(self) -> None:
        while True:
            await waiting.happens(self._look_now, LOOK_EVERY_SECONDS)
            self._look_now.clear()
            await self._look()

    async def _look(self) -> None:
        """Serve the public socket, or leave it to others; each time with a copy, because closing takes it away."""
        if not self._standing.look():
            self._close()
        elif self._open is None and self._public is not None:
            self._open = await asyncio.get_running_loop().create_server(
                self._protocol, sock=self._public.dup(), backlog=BACKLOG
            )

    def _close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _protocol(self) -> asyncio.Protocol:
        """Make what uvicorn makes for a connection of its own sockets."""
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
