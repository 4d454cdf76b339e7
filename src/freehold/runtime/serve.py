"""Start the runtime on a listening socket: uvicorn with uvloop and httptools."""

import os
import socket

import uvicorn

from freehold.runtime.app import RuntimeApp
from freehold.runtime.settings import Settings

BACKLOG = 2048
GRACEFUL_SECONDS = 20
WEBSOCKET_FRAME_BYTES = 5 * 1024 * 1024


def serve(settings: Settings, listener: socket.socket, ready_fd: int | None = None) -> None:
    """Serve until SIGTERM or SIGINT; requests under way have GRACEFUL_SECONDS to finish.

    When every protocol has started, one byte is written to `ready_fd`.
    """
    config = uvicorn.Config(
        RuntimeApp(settings),
        loop="uvloop",
        http="httptools",
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
    _Server(config, ready_fd).run(sockets=[listener])


class _Server(uvicorn.Server):
    """uvicorn, and word to the process that started it."""

    def __init__(self, config: uvicorn.Config, ready_fd: int | None) -> None:
        super().__init__(config)
        self._ready_fd = ready_fd

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._ready_fd is not None:
            os.write(self._ready_fd, b"1")
            os.close(self._ready_fd)
            self._ready_fd = None
