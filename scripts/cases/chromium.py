"""The browser of a walk: Debian's Chromium, which resolves no name but those of this machine."""

import shutil

from playwright.sync_api import Browser, Playwright

SIZE = {"width": 1280, "height": 900}
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
)


def start(driver: Playwright) -> Browser:
    """Start it."""
    return driver.chromium.launch(executable_path=shutil.which("chromium"), args=list(ARGUMENTS))
