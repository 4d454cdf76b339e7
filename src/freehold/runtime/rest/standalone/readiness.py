"""Ask a running server whether it is ready, as a container's health check does."""

import http.client

from freehold.core.errors import BadUsage, DatabaseUnavailable
from freehold.runtime.rest.standalone.listeners import ANY_HOST
from freehold.runtime.rest.standalone.options import Options

TIMEOUT_SECONDS = 10


def ask(options: Options) -> str:
    """Give a line that says it is ready; raises DatabaseUnavailable if it is not, BadUsage if it cannot be asked."""
    host, port = options.values["admin-server-host"], options.values["admin-server-port"]
    if port is None:
        raise BadUsage("the admin server is not running", hint="Set admin-server-port.")
    if host in ANY_HOST:
        raise BadUsage(f'--ready cannot be used while server-host is "{host}"', hint='Set server-host to "localhost".')
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/ready"
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/ready")
        status = connection.getresponse().status
    except OSError as error:
        raise DatabaseUnavailable(f"no server answers at {url}", detail=str(error)) from error
    finally:
        connection.close()
    if status != http.client.OK:
        raise DatabaseUnavailable(f"the server at {url} is not ready", detail=f"it answers {status}")
    return f"OK: {url}"
