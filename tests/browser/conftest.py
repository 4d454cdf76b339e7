"""Chromium that sees this machine only, and pages that fail a test when a request fails behind the user's back.

$FREEHOLD_CHROMIUM names another Chromium, $FREEHOLD_BROWSER_URL a sample that is already served, and
$FREEHOLD_SCREENSHOTS a folder for what the pages looked like.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from served_sample import served_sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request, Response

SAMPLE = Path(__file__).parents[2] / "examples/lovable-tasklight"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The last is server 3 of machine_world.py, in a network namespace of this machine.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1 , EXCLUDE 10.73.*",
)
WIDE = (1200, 850)
PHONE = (390, 844)
PATIENCE_MS = 15_000
LOCAL_SCHEMES = ("blob", "data", "about", "chrome-error")

NewPage = Callable[..., "Page"]
Look = Callable[["Page", str], None]


@dataclass
class Watch:
    """What went wrong in a test's pages. `tolerated` are paths on our own origin that may fail."""

    origin: str
    tolerated: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def follow(self, page: "Page") -> None:
        page.on("request", self._request)
        page.on("requestfailed", self._request_failed)
        page.on("response", self._response)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught in the page: {error}"))

    def _request(self, request: "Request") -> None:
        if urlsplit(request.url).scheme not in LOCAL_SCHEMES and not self._is_ours(request.url):
            self.faults.append(f"asked another host: {request.method} {request.url}")

    def _request_failed(self, request: "Request") -> None:
        aborted = request.failure is not None and "ERR_ABORTED" in request.failure
        if self._is_ours(request.url) and not aborted and not self._is_tolerated(request.url):
            self.faults.append(f"broke off: {request.method} {request.url}: {request.failure}")

    def _response(self, response: "Response") -> None:
        bad = response.status >= 500 or response.status == 404
        if self._is_ours(response.url) and bad and not self._is_tolerated(response.url):
            self.faults.append(f"{response.status} from {response.request.method} {response.url}")

    def _is_ours(self, url: str) -> bool:
        return url == self.origin or url.startswith(f"{self.origin}/")

    def _is_tolerated(self, url: str) -> bool:
        return any(urlsplit(url).path.startswith(path) for path in self.tolerated)


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The origin of the sample, brought up once for all browser tests."""
    _chromium()
    with served_sample(SAMPLE, "FREEHOLD_BROWSER_URL") as origin:
        yield origin


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium, closed after each file: while it is open, Playwright holds the thread's event loop."""
    program = _chromium()
    from playwright.sync_api import expect, sync_playwright  # noqa: PLC0415 - the tests are skipped where it is missing

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture
def watch(site: str) -> Iterator[Watch]:
    """Collects faults of the test's pages and fails the test at its end."""
    watching = Watch(site)
    yield watching
    assert watching.faults == []


@pytest.fixture
def tolerate(watch: Watch) -> Callable[[str], None]:
    """Let requests below a path on our origin fail: the test wants to see what the page says then."""
    return watch.tolerated.append


@pytest.fixture
def new_page(browser: "Browser", site: str, watch: Watch, look: Look) -> Iterator[NewPage]:
    """Give `new_page(size=WIDE)`: the page of somebody new, with a profile of its own."""
    pages: list[Page] = []

    def make(size: tuple[int, int] = WIDE) -> "Page":
        context = browser.new_context(
            base_url=site, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce", locale="en-GB"
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        watch.follow(page)
        pages.append(page)
        return page

    yield make
    for number, page in enumerate(pages, 1):
        look(page, f"end-{number}")
        page.context.close()


@pytest.fixture
def page(new_page: NewPage) -> "Page":
    """One person's page on a wide screen."""
    return new_page()


@pytest.fixture
def phone(new_page: NewPage) -> "Page":
    """One person's page on a phone."""
    return new_page(PHONE)


@pytest.fixture
def look(request: pytest.FixtureRequest) -> Look:
    """Give `look(page, name)`: keep a picture of the page when $FREEHOLD_SCREENSHOTS names a folder."""
    folder = os.environ.get("FREEHOLD_SCREENSHOTS")
    test = re.sub(r"\W+", "-", request.node.name.removeprefix("test_"))

    def keep(page: "Page", name: str) -> None:
        if folder and not page.is_closed():
            page.screenshot(path=Path(folder) / f"{test}--{name}.png", full_page=True)

    return keep


def _chromium() -> str:
    """Path of the browser; skips the test when there is none."""
    named = os.environ.get("FREEHOLD_CHROMIUM")
    program = named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium, or set FREEHOLD_CHROMIUM")
    return program
