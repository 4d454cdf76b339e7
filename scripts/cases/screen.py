"""One look at a page: what can be filled in and pressed, and the two acts on it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page

_SCRIPT = (Path(__file__).parent / "elements.js").read_text()
QUIET_SECONDS = 0.7


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Fields and buttons as elements.js describes them."""

    fields: list[dict[str, Any]]
    buttons: list[dict[str, Any]]
    text: str
    path: str

    def buttons_like(self, words: re.Pattern[str], *, but: re.Pattern[str] | None = None) -> list[dict[str, Any]]:
        """Buttons and links whose text has the words, the shortest text first."""
        found = [
            item
            for item in self.buttons
            if words.search(item["text"]) and not item["disabled"] and not (but and but.search(item["text"]))
        ]
        return sorted(found, key=lambda item: (len(item["text"]), item["tag"] not in {"a", "button"}))


def look(page: Page) -> Screen:
    """Wait until the page is quiet, then describe it."""
    settle(page)
    for _ in range(3):
        try:
            return Screen(**page.evaluate(_SCRIPT))
        except Error:  # it was navigating
            page.wait_for_timeout(500)
    return Screen(fields=[], buttons=[], text="", path="")


def settle(page: Page, seconds: float = 5) -> None:
    """Wait for the load and for requests to end, as far as they do within the time."""
    try:
        page.wait_for_load_state("load", timeout=seconds * 1000)
        page.wait_for_load_state("networkidle", timeout=seconds * 1000)
    except Error:
        pass
    page.wait_for_timeout(QUIET_SECONDS * 1000)


def press(page: Page, mark: str) -> bool:
    """Click as a person does; where something lies over it, as a script does. False when it is gone."""
    target = page.locator(f'[data-walk="{mark}"]').first
    try:
        target.click(timeout=2500)
    except Error:
        try:
            target.evaluate("element => element.click()", timeout=1500)
        except Error:
            return False
    return True
