"""Walk through one case that is built: serve it, use it in Chromium, ask its tables and functions.

    unshare --net sh -c 'ip link set lo up; python scripts/cases/one.py FOLDER RESULT.json'

FOLDER holds `app`, `data` and `home` as walk_real_apps.py makes them. Nothing but loopback is there.
"""

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser, sync_playwright

from cases import chromium, words
from cases.firebase import Firebase
from cases.journey import Journey
from cases.menu import open_all
from cases.screen import follow, settle
from cases.serving import ORIGIN, again, bring_up, environment_of
from cases.settling import settle_in
from cases.watch import Watch
from freehold.core.inventory import Inventory
from freehold.data.schema import types_ts
from freehold.data.schema.files import union
from freehold.flows.check import types_of
from freehold.flows.read import read_app
from freehold.flows.source import open_source

COMMON_DOORS = ("/auth", "/login", "/signup", "/register", "/sign-up", "/signin")
PUBLIC_PAGES = 12
_OWN_ADDRESS = re.compile(
    r"(NEXT_PUBLIC_|VITE_|PUBLIC_)?(APP|SITE|FRONTEND|CLIENT|WEB|WEBSITE|BASE)_(BASE_)?(URL|ORIGIN)"
)


def main(folder: Path, result: Path) -> int:
    """Write what happened; 0 when the case counts."""
    started = time.monotonic()
    app = open_source(str(folder / "app"), folder)
    inventory = read_app(app)
    environment = environment_of(folder / "home")
    (folder / "data" / "up.json").unlink(missing_ok=True)
    up, ready, mode = bring_up(folder / "app", folder / "data", environment, folder / "up.err")
    warnings = up.warnings
    if ready is not None and _make_up_secrets(inventory, folder, environment):
        up.stop()
        up, ready = again(folder / "app", folder / "data", environment, folder / "up.err")
    found: dict[str, Any] = {"served": ready is not None, "warnings": warnings}
    found |= {"mode": mode} if ready is not None else {"error": mode.replace(str(folder / "app"), folder.name)}
    try:
        if ready is not None:
            found |= _used(folder, inventory, ready, types_of(app))
    finally:
        up.stop()
    found["seconds"] = round(time.monotonic() - started)
    result.write_text(json.dumps(found, indent=1, ensure_ascii=False))
    return 0


def _make_up_secrets(inventory: Inventory, folder: Path, environment: dict[str, str]) -> bool:
    """Many functions end while they are loaded when a secret is not set: an owner has set them. False for none."""
    names = {name for function in inventory.functions for name in function.secrets}
    names = {name for name in names - {"LOVABLE_API_KEY", "RESEND_API_KEY"} if not name.startswith("SUPABASE_")}
    values = {name: _made_up(name) for name in sorted(names)}
    command = [sys.executable, str(Path(__file__).with_name("keeping.py")), str(folder / "data")]
    subprocess.run(command, input=json.dumps(values), env=environment, text=True, check=True, timeout=120)
    return bool(names)


def _made_up(name: str) -> str:
    if _OWN_ADDRESS.fullmatch(name):
        return ORIGIN
    is_address = name.endswith(("_URL", "_URI", "_HOST", "_ORIGIN"))
    return "https://made-up.example" if is_address else "made-up-by-the-walk"


def _used(folder: Path, inventory: Inventory, ready: dict[str, Any], types_text: str) -> dict[str, Any]:
    origin, key = str(ready["url"]), str(ready["publishable_key"])
    watch = Watch(origin)
    with sync_playwright() as driver:
        browser = chromium.start(driver)
        found = _walked(browser, inventory, watch, folder)
        browser.close()
    seen = watch.as_json()
    _tell_of_functions_nowhere_made(seen["faults"], folder / "app", inventory)
    _tell_of_columns_nowhere_made(seen["faults"], types_text)
    return (
        found
        | seen
        | {
            "tables": _tables(origin, key, inventory),
            "functions": _functions(origin, key, ready),
            "unset_secrets": sorted(ready["unset_secrets"]),
        }
    )


def _walked(browser: Browser, inventory: Inventory, watch: Watch, folder: Path) -> dict[str, Any]:
    context = browser.new_context(viewport=chromium.SIZE, locale="en-US", reduced_motion="reduce")
    context.set_default_timeout(10_000)
    firebase = Firebase()
    firebase.stand_in(context)
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    watch.follow(page)
    follow(page)
    journey = Journey(page=page, watch=watch, paths=_doors(inventory), origin=watch.origin)
    found: dict[str, Any] = {"public_pages": open_all(journey, "/", most=PUBLIC_PAGES)}
    page.screenshot(path=folder / "landing.png")
    found["sign_up"] = journey.sign_up()
    page.screenshot(path=folder / "signed-up.png")
    pages: list[dict[str, Any]] = []
    if found["sign_up"]["done"]:
        settle_in(page, journey.person)
        settle(page)
        start = page.url.removeprefix(watch.origin) or "/"
        found["sign_out"] = journey.sign_out((start, "/dashboard", "/profile", "/settings", "/account"))
        page.screenshot(path=folder / "signed-out.png")
        found["sign_in"] = journey.sign_in()
        settle_in(page, journey.person)
        settle(page)
        page.screenshot(path=folder / "signed-in.png")
        start = page.url.removeprefix(watch.origin) or "/"
        pages = open_all(journey, start)
    page.screenshot(path=folder / "last.png")
    return found | {"pages": pages, "notes": journey.notes, "firebase": firebase.used}


def _doors(inventory: Inventory) -> tuple[str, ...]:
    own = [path for path in inventory.pages if words.DOORS.search(path) and not set(path) & set(":$[")]
    own = [path for path in own if not words.BACK_DOORS.search(path)]
    own = [path if path.startswith("/") else f"/{path}" for path in own if "*" not in path]
    return tuple(dict.fromkeys(("/", *sorted(own, key=len)[:8], *COMMON_DOORS)))


def _tell_of_functions_nowhere_made(faults: list[dict[str, Any]], app: Path, inventory: Inventory) -> None:
    """A database function that no SQL in the repository or its history makes was made by hand, in the live one only."""
    made = " ".join(file.sql for file in union(app, inventory).files).lower()
    for fault in faults:
        name = fault["request"].partition("/rest/v1/rpc/")[2].partition("?")[0].lower()
        if fault["code"] == "PGRST202" and name and not re.search(rf"function\s+(public\.)?\"?{name}\"?\s*\(", made):
            fault |= {"ours": False, "why": f"nothing in the repository's history makes {name}", "nowhere": True}


def _tell_of_columns_nowhere_made(faults: list[dict[str, Any]], types_text: str) -> None:
    """A column that the builder's own types of a table do not have is not in its live database either."""
    tables = types_ts.read(types_text).schemas["public"].tables if types_text else {}
    for fault in faults:
        named = re.search(r"column (\w+)\.(\w+) does not exist", fault["why"])
        table = tables.get(named[1]) if named and fault["code"] == "42703" else None
        if named and table is not None and named[2] not in {column.name for column in table.columns}:
            fault |= {"ours": False, "why": f"the app's own types of {named[1]} have no {named[2]}"}


def _tables(origin: str, key: str, inventory: Inventory) -> dict[str, Any]:
    """Ask each table that the code names; a refusal to a stranger is an answer, 404 is none."""
    names = sorted(set(inventory.tables_used))
    missing = [name for name in names if _status("GET", f"{origin}/rest/v1/{name}?limit=1", key) in {0, 404, 500, 503}]
    return {"named": len(names), "answering": len(names) - len(missing), "missing": missing}


def _functions(origin: str, key: str, ready: dict[str, Any]) -> dict[str, Any]:
    """Ask each function whether it may be called from another origin: it has to start for that."""
    names = [str(name) for name in ready["functions"]]
    not_vendored = {str(name): str(why)[:300] for name, why in ready["functions_not_startable"].items()}
    asked = [name for name in names if name not in not_vendored]
    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(lambda name: _status("OPTIONS", f"{origin}/functions/v1/{name}", key), asked))
    silent = {name: status for name, status in zip(asked, statuses, strict=True) if status == 0 or status >= 500}
    return {"named": len(names), "starting": len(asked) - len(silent), "not_vendored": not_vendored, "silent": silent}


def _status(method: str, url: str, key: str) -> int:
    headers = {
        "apikey": key,
        "authorization": f"Bearer {key}",
        "origin": "http://other.example",
        "access-control-request-method": "POST",
    }
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method, headers=headers), timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
