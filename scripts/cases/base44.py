"""Walk through one public Base44 app that is built: serve it, sign up at /login, look at its first page and entities.

    unshare --net sh -c 'ip link set lo up; python scripts/cases/base44.py FOLDER RESULT.json'

FOLDER holds `app`, `data` and `home`; `scripts/cases/building.py` has built it. Nothing but loopback is there.
"""

import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Error, Page, sync_playwright

from cases import chromium
from cases.mailbox import Mailbox, code_in
from cases.serving import bring_up, environment_of
from freehold.core.inventory import Inventory
from freehold.flows.read import read_served_app
from freehold.flows.source import open_source

EMAIL, PASSWORD = f"owner-{time.time_ns()}@example.test", "a lamp in the window"
"""Somebody new at every walk: the data of an earlier one may still be there."""
WAIT_SECONDS = 30
SETTLE_MS = 4000


def main(folder: Path, result: Path) -> int:
    """Write what happened."""
    started = time.monotonic()
    inventory = read_served_app(open_source(str(folder / "app"), folder))
    up, ready, error = bring_up(folder / "app", folder / "data", environment_of(folder / "home"), folder / "up.err")
    found: dict[str, Any] = {"builder": inventory.builder, "served": ready is not None}
    try:
        if ready is None:
            found["error"] = error[:1500]
        else:
            found |= _used(folder, inventory, str(ready["url"]))
            found["functions"] = len(ready["functions"])
            found["functions_not_startable"] = sorted(ready["functions_not_startable"])
    finally:
        up.stop()
    found["seconds"] = round(time.monotonic() - started)
    result.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    return 0


def _used(folder: Path, inventory: Inventory, origin: str) -> dict[str, Any]:
    faults: list[str] = []
    with sync_playwright() as driver:
        browser = chromium.start(driver)
        page = browser.new_context(viewport=chromium.SIZE, locale="en-US").new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: faults.append(f"uncaught: {str(error)[:200]}"))
        page.on("response", lambda answer: _note(answer.status, answer.request.method, answer.url, origin, faults))
        try:
            signed_in = _sign_up(page, origin)
            page.screenshot(path=folder / "signed-in.png")
            text = page.inner_text("body").strip()
            token = page.evaluate("localStorage.getItem('base44_access_token') || localStorage.getItem('token')")
        except Error as error:
            faults.append(f"not walked: {str(error).splitlines()[0][:200]}")
            signed_in, text, token = False, "", ""
            page.screenshot(path=folder / "stuck.png")
        browser.close()
    return {
        "signed_in": signed_in and bool(token),
        "shows": len(text),
        "faults": faults[:20],
        "entities": _entities(inventory, origin, str(token or "")),
    }


def _note(status: int, method: str, url: str, origin: str, faults: list[str]) -> None:
    if url.startswith(origin) and (status >= 500 or status == 404):
        faults.append(f"{status} {method} {url.removeprefix(origin)[:160]}")


def _sign_up(page: Page, origin: str) -> bool:
    """Join at the page that the app sends people to, then come back to the app."""
    page.goto(f"{origin}/", wait_until="load")
    page.wait_for_timeout(SETTLE_MS)
    page.goto(f"{origin}/login?from_url={origin}/", wait_until="load")
    page.get_by_role("button", name="Make an account").click()
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    page.get_by_label("Code").fill(_code(origin))
    page.get_by_role("button", name="Confirm").click()
    page.wait_for_url(lambda url: "/login" not in url)
    page.wait_for_timeout(SETTLE_MS)
    return "/login" not in page.url


def _code(origin: str) -> str:
    mail = Mailbox(origin, EMAIL).newest(seconds=WAIT_SECONDS)
    code = code_in(mail) if mail else None
    if code is None:
        message = "no mail with a code came"
        raise RuntimeError(message)
    return code


def _entities(inventory: Inventory, origin: str, token: str) -> dict[str, Any]:
    """Ask every entity that code uses, as the person who has signed up."""
    settings = inventory.runtime_settings["base44"]
    app_id = settings["app_id"] if isinstance(settings, dict) and settings["app_id"] else "any"
    names = [item.name for item in inventory.records if item.kind == "entity" and (item.uses or item.declared)]
    wrong = {}
    for name in names:
        address = f"{origin}/api/apps/{app_id}/entities/{name}?limit=5"
        request = urllib.request.Request(address, headers={"authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                ok = answer.status == 200 and isinstance(json.load(answer), list)
                if not ok:
                    wrong[name] = answer.status
        except urllib.error.HTTPError as error:
            wrong[name] = error.code
    return {"named": len(names), "answering": len(names) - len(wrong), "wrong": wrong}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
