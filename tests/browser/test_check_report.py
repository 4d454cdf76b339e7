"""The report of a check in a browser: its own style is allowed, nothing is loaded, and a phone shows it whole."""

from pathlib import Path
from typing import TYPE_CHECKING

import flaws
import lovable_app
import pytest

from freehold.core.event import Event
from freehold.flows.check import Request, check
from freehold.flows.check_report import report_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WIDTHS = (390, 1200)
LONG = {f"src/{'very-' * 30}long-name-{number}.tsx": flaws.FLAWED["src/pages/Post.tsx"] for number in range(3)}


def silent(_event: Event) -> None:
    pass


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("app")
    lovable_app.write(root, flaws.FLAWED | LONG)
    lovable_app.commit(root)
    page = tmp_path_factory.mktemp("report") / "report.html"
    page.write_text(report_page(check(Request(origin=str(root), database=False), silent)), encoding="utf-8")
    return page


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_stands_out_on_any_width_and_nothing_is_loaded(browser: "Browser", report: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: faults.append(message.text))
    page.goto(report.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("article").count() >= 20
    assert page.locator("article h3 span").first.evaluate("node => getComputedStyle(node).textTransform") == "uppercase"
    assert (asked, faults) == ([report.as_uri()], [])
    page.close()
