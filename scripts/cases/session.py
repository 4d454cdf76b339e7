"""Whether somebody is signed in: what a browser holds, in all the ways in which apps keep it."""

import time
from dataclasses import dataclass

from playwright.sync_api import Error, Page

_SESSION = """() => {
  const held = [...Object.entries(localStorage), ...Object.entries(sessionStorage)]
    .some(([name, value]) => value.includes('"access_token"') || value.startsWith("base64-eyJhY2Nlc3NfdG9r"));
  return held || /sb-[^=]*auth-token[^=]*=(?!;|$)./.test(document.cookie);
}"""
_AT_FIREBASE = """async () => {
  const there = await indexedDB.databases();
  if (!there.some((one) => one.name === "firebaseLocalStorageDb")) return false;
  const opened = (request) => new Promise((done) => {
    request.onsuccess = () => done(request.result);
    request.onerror = request.onblocked = () => done(null);
    setTimeout(() => done(null), 3000);  // an app that has just signed out may be waiting to delete it
  });
  const database = await opened(indexedDB.open("firebaseLocalStorageDb"));
  if (!database || !database.objectStoreNames.contains("firebaseLocalStorage")) return false;
  const store = database.transaction("firebaseLocalStorage").objectStore("firebaseLocalStorage");
  const kept = await opened(store.getAll());
  database.close();
  return JSON.stringify(kept || []).includes("stsTokenManager");
}"""
_REMEMBERED = """(handle) => !document.querySelector("input[type=password]") &&
  [...Object.values(localStorage), ...Object.values(sessionStorage)].some((value) => value.includes(handle))"""
"""Apps that keep their own users remember the person, not a token."""
WAIT_SECONDS = 12


@dataclass(frozen=True, kw_only=True)
class Session:
    """Of the person with this handle."""

    page: Page
    handle: str

    def is_held(self) -> bool:
        """Whether the browser holds a session, or a server keeps one in a cookie."""
        try:
            if self.page.evaluate(_SESSION) or self.page.evaluate(_REMEMBERED, self.handle):
                return True
            if self.page.evaluate(_AT_FIREBASE):
                return True
            cookies = self.page.context.cookies()
        except Error:
            return False
        return any("auth-token" in item.get("name", "") and item.get("value") for item in cookies)

    def wait(self, *, wanted: bool = True, seconds: float = WAIT_SECONDS) -> bool:
        """Wait until there is a session, or until there is none."""
        deadline = time.monotonic() + seconds
        while self.is_held() != wanted:
            if time.monotonic() > deadline:
                return False
            self.page.wait_for_timeout(250)
        return True
