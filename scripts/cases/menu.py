"""Open every page that can be reached from an app's menus."""

import re
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from cases import words
from cases.journey import Journey
from cases.screen import Screen, look, press

MOST_PAGES = 60
MOST_SECONDS = 420
MOST_PRESSED = 40
MOST_OF_A_KIND = 3
"""Of articles, products and the like below one path, which no menu names, these many links of a page are followed."""
_NO_PAGE = re.compile(
    r"\.(pdf|zip|png|jpe?g|svg|csv|xlsx?|apk|mp[34]|ics|xml|txt|json)$|^/(auth|rest|storage|functions)/v1",
    re.IGNORECASE,
)


def open_all(journey: Journey, start: str, *, most: int = MOST_PAGES) -> list[dict[str, Any]]:
    """Visit pages breadth first, from links and from the buttons of menus; gives one entry a page."""
    seen: dict[str, dict[str, Any]] = {}
    waiting, pressed, found_on = [start], set[str](), dict[str, str]()
    deadline = time.monotonic() + MOST_SECONDS
    while waiting and len(seen) < most and time.monotonic() < deadline:
        path = waiting.pop(0)
        if _key(path) in seen:
            continue
        screen = journey.go(path)
        if not screen.text.strip():
            screen = _by_its_link(journey, path, found_on.get(path, start)) or screen
        seen[_key(path)] = {"path": path, "blank": not screen.text.strip()}
        further = [link for link in _links(journey.origin, screen.buttons) if link not in found_on]
        found_on |= dict.fromkeys(further, path)
        waiting += further
        paths, views = _press_menus(journey, path, pressed)
        waiting += paths
        seen |= {view: {"path": view, "blank": False} for view in views}
    return list(seen.values())


def _by_its_link(journey: Journey, path: str, before: str) -> Screen | None:
    """Open a page as its menu does: some show nothing when they are loaded alone, wherever they are served."""
    screen = journey.go(before)
    link = next((item for item in screen.buttons if item["href"] == journey.origin + path), None)
    if link is None or not press(journey.page, link["mark"]):
        return None
    journey.watch.where = path
    return look(journey.page)


def _key(path: str) -> str:
    """Pages of one kind count once: ids are left out."""
    plain = path.split("?", maxsplit=1)[0].rstrip("/") or "/"
    return re.sub(r"/(\d+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)", "/ID", plain)


def _links(origin: str, buttons: list[dict[str, Any]]) -> list[str]:
    ordered = sorted(buttons, key=lambda item: not item["menu"])
    found, of_a_kind = [], Counter[str]()
    for item in ordered:
        parts = urlsplit(item["href"])
        if not item["href"].startswith(origin) or words.SIGN_OUT.search(item["text"]) or _NO_PAGE.search(parts.path):
            continue
        above = parts.path.rpartition("/")[0]
        of_a_kind[above] += bool(above) and not item["menu"]
        if of_a_kind[above] > MOST_OF_A_KIND:
            continue
        anchor = f"#{parts.fragment}" if parts.fragment.startswith("/") else ""
        found.append(parts.path + (f"?{parts.query}" if parts.query else "") + anchor)
    return list(dict.fromkeys(found))


def _press_menus(journey: Journey, path: str, pressed: set[str]) -> tuple[list[str], list[str]]:
    """Press what stands in menus and is no link; gives the paths that this leads to, and views that keep the path."""
    paths, views = list[str](), list[str]()
    before = look(journey.page)
    while len(pressed) < MOST_PRESSED:
        item = next(
            (item for item in before.buttons if _is_menu_button(item) and item["text"].lower() not in pressed), None
        )
        if item is None:
            break
        pressed.add(item["text"].lower())
        journey.watch.where = f"{path} > {item['text'][:30]}"
        if not press(journey.page, item["mark"]):
            continue
        after = look(journey.page)
        if after.path != before.path:
            paths.append(after.path)
            before = journey.go(path)
        elif after.text != before.text:
            views.append(journey.watch.where)
            journey.page.keyboard.press("Escape")
            before = look(journey.page)
        else:
            before = after
    return paths, views


def _is_menu_button(item: dict[str, Any]) -> bool:
    if not item["menu"] or item["disabled"] or item["href"] or item["tag"] == "a" or not item["text"]:
        return False
    return not words.SIGN_OUT.search(item["text"]) and not words.HARMFUL.search(item["text"])
