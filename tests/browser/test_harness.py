"""The harness itself: it sees what goes wrong behind a page that looks well."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PAGES = {
    "/well": (200, "<h1>Well</h1>"),
    "/elsewhere": (200, "<h1>Well</h1><img src='http://tracker.example/pixel.png'>"),
    "/missing": (200, "<h1>Well</h1><script>fetch('/rest/v1/nothing')</script>"),
    "/broken": (200, "<h1>Well</h1><script>fetch('/functions/v1/broken')</script>"),
    "/throws": (200, "<h1>Well</h1><script>throw new Error('behind the scenes')</script>"),
    "/functions/v1/broken": (500, "{}"),
    "/favicon.ico": (200, ""),
}


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, text = PAGES.get(self.path, (404, "{}"))
        self.send_response(status)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """A small site instead of the sample."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def faults(page: Page, watch: Any, path: str) -> list[str]:
    """Open a page and take what the harness held against it."""
    page.goto(path)
    page.wait_for_load_state("networkidle")
    found = list(watch.faults)
    watch.faults.clear()
    return found


def test_a_page_without_faults_passes(page: Page, watch: Any) -> None:
    assert faults(page, watch, "/well") == []


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/elsewhere", "asked another host: GET http://tracker.example/pixel.png"),
        ("/missing", "404 from GET {site}/rest/v1/nothing"),
        ("/broken", "500 from GET {site}/functions/v1/broken"),
        ("/throws", "uncaught in the page: behind the scenes"),
    ],
)
def test_a_fault_behind_a_page_is_held_against_it(page: Page, watch: Any, site: str, path: str, fault: str) -> None:
    assert faults(page, watch, path) == [fault.format(site=site)]


def test_a_tolerated_failure_is_not_held_against_a_page(
    page: Page, watch: Any, tolerate: Callable[[str], None]
) -> None:
    tolerate("/functions/v1/broken")
    assert faults(page, watch, "/broken") == []
