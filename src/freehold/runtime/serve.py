"""Start the runtime on a listening socket: uvicorn with uvloop and httptools."""

import socket

import uvicorn

from freehold.runtime.app import RuntimeApp
from freehold.runtime.settings import Settings

BACKLOG = 2048
GRACEFUL_SECONDS = 20


def serve(settings: Settings, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; requests under way have GRACEFUL_SECONDS to finish."""
    config = uvicorn.Config(
        RuntimeApp(settings),
        loop="uvloop",
        http="httptools",
        ws="auto",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
        h11_max_incomplete_event_size=None,
    )
    uvicorn.Server(config).run(sockets=[listener])
