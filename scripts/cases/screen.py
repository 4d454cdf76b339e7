"""One look at a page: what can be filled in and pressed, and the acts on it."""

import contextlib
import re
import time
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page, Request

from cases import words

_SCRIPT = (Path(__file__).parent / "elements.js").read_text()
_CHANGES = """() => {
  if (window.__changes === undefined) {
    window.__changes = 0;
    const what = {subtree: true, childList: true, characterData: true};
    new MutationObserver(() => window.__changes++).observe(document, what);
  }
  return window.__changes;
}"""
_STEP_SECONDS = 0.1
_QUIET_STEPS = 3
_RESTLESS_SECONDS = 1.2
_EMPTY_SECONDS = 4
"""Some apps show a picture of themselves before they begin."""
_FORGOTTEN_SECONDS = 5
"""A request that takes longer than this is not waited for: it streams, or was left behind by a navigation."""
_UNDER_WAY: weakref.WeakKeyDictionary[Page, dict[Request, float]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True)
class Screen:
    """Fields and buttons as elements.js describes them."""

    fields: list[dict[str, Any]]
    buttons: list[dict[str, Any]]
    text: str
    path: str

    def buttons_like(self, wanted: re.Pattern[str], *, but: re.Pattern[str] | None = None) -> list[dict[str, Any]]:
        """Buttons and links whose text has the words, the shortest text first."""
        found = [
            item
            for item in self.buttons
            if wanted.search(item["text"]) and not item["disabled"] and not (but and but.search(item["text"]))
        ]
        return sorted(found, key=lambda item: (len(item["text"]), item["tag"] not in {"a", "button"}))


def follow(page: Page) -> None:
    """Count the requests under way, so that it is known when a page has what it asked for."""
    under_way = _UNDER_WAY.setdefault(page, {})

    def begin(request: Request) -> None:
        if request.resource_type not in {"eventsource", "media"}:
            under_way[request] = time.monotonic()

    page.on("request", begin)
    page.on("requestfinished", lambda request: under_way.pop(request, None))
    page.on("requestfailed", lambda request: under_way.pop(request, None))


def look(page: Page) -> Screen:
    """Wait until the page is quiet, then describe it."""
    settle(page)
    deadline = time.monotonic() + _EMPTY_SECONDS
    screen = _described(page)
    while not (screen.buttons or screen.fields) and time.monotonic() < deadline:
        page.wait_for_timeout(300)
        settle(page)
        screen = _described(page)
    return screen


def _described(page: Page) -> Screen:
    for _ in range(3):
        try:
            return Screen(**page.evaluate(_SCRIPT))
        except Error:  # it was navigating
            page.wait_for_timeout(500)
    return Screen(fields=[], buttons=[], text="", path="")


def settle(page: Page, seconds: float = 5) -> None:
    """Wait until nothing is asked for and nothing changes; a page that changes for ever is waited for a little."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(Error):
        page.wait_for_load_state("load", timeout=seconds * 1000)
    quiet, answered_at, before = 0, time.monotonic(), -1
    while time.monotonic() < deadline and quiet < _QUIET_STEPS:
        page.wait_for_timeout(_STEP_SECONDS * 1000)
        changes, asks = _changes(page), _is_asking(page)
        if asks or changes is None:
            answered_at = time.monotonic()
        elif time.monotonic() - answered_at > _RESTLESS_SECONDS:
            return
        quiet = quiet + 1 if changes == before and not asks else 0
        before = -1 if changes is None else changes


def _is_asking(page: Page) -> bool:
    oldest = time.monotonic() - _FORGOTTEN_SECONDS
    return any(since > oldest for since in _UNDER_WAY.get(page, {}).values())


def _changes(page: Page) -> int | None:
    try:
        return int(page.evaluate(_CHANGES))
    except Error:
        return None


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


def dismiss(page: Page) -> Screen:
    """Close what lies over the page: consent to cookies, greetings, tours; gives the page then."""
    screen = look(page)
    for _ in range(2):
        over = [item for item in screen.buttons_like(words.ACCEPT) if item["dialog"] or len(item["text"]) < 24]
        over = [
            item
            for item in over
            if not item["menu"] and item["tag"] == "button" and not words.SIGN_UP.search(item["text"])
        ]
        if not over or not press(page, over[0]["mark"]):
            break
        screen = look(page)
    return screen
