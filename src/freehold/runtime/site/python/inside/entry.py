"""Serve the app's WSGI application on the socket that was inherited, or run one of its programs.

Runs as `python -I -S -B`, so that nothing but what stands here decides where modules come from.
"""

import json
import os
import runpy
import socket
import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

sys.path.insert(0, "/freehold/own")

from freehold.runtime.site.python.inside import django_settings, output, outward
from freehold.runtime.site.python.inside.attended import Attended
from freehold.runtime.site.python.inside.waiting import Waiting
from freehold.runtime.site.python.inside.wsgi import Application, Environ, StartResponse

SERVING_FD = 3
THREADS = 8
CONNECTIONS = 1000
LARGEST_BODY_BYTES = 100 << 20
"""It is kept in /tmp, which the app copies files of it into."""
ANSWER_WAITING_BYTES = 64 << 20
"""What a thread may leave for a client that reads slowly; it goes on, and /tmp is full before all threads wait."""
BODY_IN_MEMORY_BYTES = 1 << 20
QUIET_SECONDS = 3600
GIVEN_UP = 70


def main() -> None:
    """Prepare the process, then be what was asked for."""
    setup = json.loads(os.environ.pop("FREEHOLD_SERVER"))
    output.mark()
    outward.open_way(setup["origin"])
    sys.path.remove("/freehold/own")
    sys.path[:0] = [setup["app"], setup["packages"]]
    sys.path.append(setup["serving"])
    _add_links(setup["packages"])
    if setup["settings_module"]:
        os.environ["DJANGO_SETTINGS_MODULE"] = setup["settings_module"]
        django_settings.adapt(import_module(setup["settings_module"]), setup)
    try:
        if setup["program"]:
            _run(setup["program"])
        else:
            _serve(_load(setup["application"]), setup)
    finally:
        output.finish()


def _add_links(packages: str) -> None:
    """Read the .pth files of packages, as site does for a folder of installed ones."""
    import_module("site").addsitedir(packages)


def _run(argv: list[str]) -> None:
    sys.argv = argv
    runpy.run_path(argv[0], run_name="__main__")


def _load(name: str) -> Application:
    module, _, attribute = name.partition(":")
    application: Application = getattr(import_module(module), attribute or "application")
    return application


def _serve(application: Application, setup: dict[str, Any]) -> None:
    """Answer with threads until the process is ended. The socket listens only now: the app has been loaded."""
    server = import_module("waitress").create_server(
        _fronted(django_settings.with_files(application, setup), Waiting(setup["longest_seconds"])),
        sockets=[socket.socket(fileno=SERVING_FD)],
        threads=THREADS,
        connection_limit=CONNECTIONS,
        max_request_body_size=LARGEST_BODY_BYTES,
        inbuf_overflow=BODY_IN_MEMORY_BYTES,
        outbuf_high_watermark=ANSWER_WAITING_BYTES,
        channel_timeout=QUIET_SECONDS,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=False,
        ident=None,
    )
    server.task_dispatcher = Attended(server.task_dispatcher)
    server.run()


def _fronted(application: Application, waiting: Waiting) -> Application:
    """Answer who looks after the process, and show the app the request as its client made it."""

    def answer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.pop("HTTP_X_FREEHOLD_CONTROL", ""):
            return _looked_after(waiting, start_response)
        output.begin(environ.pop("HTTP_X_FREEHOLD_REQUEST", ""))
        environ["REMOTE_ADDR"] = environ["REMOTE_HOST"] = environ.pop("HTTP_X_FREEHOLD_CLIENT", "")
        environ["wsgi.url_scheme"] = environ.get("HTTP_X_FORWARDED_PROTO", "http")
        if environ["wsgi.url_scheme"] == "https":
            environ["HTTPS"] = "on"
        host, _, port = environ.get("HTTP_HOST", "").rpartition(":")
        environ["SERVER_NAME"] = host or environ.get("HTTP_HOST", "")
        environ["SERVER_PORT"] = port if host else {"https": "443"}.get(environ["wsgi.url_scheme"], "80")
        return _timed(application, environ, start_response, waiting)

    return answer


def _timed(
    application: Application, environ: Environ, start_response: StartResponse, waiting: Waiting
) -> Iterable[bytes]:
    def begun(*given: Any, **further: Any) -> Any:  # noqa: ANN401 - PEP 3333's
        waiting.end()
        return start_response(*given, **further)

    waiting.begin()
    try:
        return application(environ, begun)
    finally:
        waiting.end()


def _looked_after(waiting: Waiting, start_response: StartResponse) -> Iterable[bytes]:
    """Say that the process works. A thread cannot be ended alone: with one that is lost the process ends."""
    if waiting.is_overdue():
        sys.stdout.write("Freehold: a request was not answered in time and works on; the server starts anew\n")
        os._exit(GIVEN_UP)
    start_response("200 OK", [("content-type", "application/json")])
    return [b'{"background": 0}']


if __name__ == "__main__":
    main()
