"""One new person's way through an app's own pages: sign up, sign out, sign in."""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Error, Page

from cases import words
from cases.forms import Person, code_fields, fill, group_of, is_email, is_password, submit_button
from cases.mailbox import Mailbox, code_in, link_in
from cases.screen import Screen, dismiss, look, press, settle
from cases.session import WAIT_SECONDS, Session
from cases.settling import settle_in
from cases.watch import Watch

_PASSWORD_NAMED = re.compile(r"password\s*(?:is\b|:|=)\s*[\"'`]?([^\s\"'`]{4,40})", re.IGNORECASE)
_STEPS = 7
_SAME_FORM = 2
_FORMS_TRIED = 4
_MENUS = 14


@dataclass
class Journey:
    """What happened, step by step; `notes` are for the reader of the results."""

    page: Page
    watch: Watch
    paths: Sequence[str]
    origin: str
    person: Person = field(default_factory=Person)
    door: str = ""
    notes: list[str] = field(default_factory=list)

    def go(self, path: str) -> Screen:
        """Open a path of the app."""
        self.watch.where = path
        try:
            self.page.goto(self.origin + path, wait_until="load", timeout=30_000)
        except Error as error:
            self.notes.append(f"{path} did not open: {str(error).splitlines()[0][:120]}")
        return dismiss(self.page)

    @property
    def session(self) -> Session:
        """What the browser holds of this person."""
        return Session(page=self.page, handle=self.person.handle)

    def sign_up(self) -> dict[str, Any]:
        """Sign up where the app's pages offer it; says what was found and how far it went."""
        tried = 0
        for path in self.paths:
            form = self._reach_form(path, sign_up=True) if tried < _FORMS_TRIED else None
            if form is None:
                continue
            tried += 1
            self.door = path
            if self._through(sign_up=True):
                return {"offered": True, "done": True, "at": path}
        if not self.door:
            return {"offered": False, "done": False}
        return {"offered": True, "done": False, "at": self.door, "said": self._complaint()}

    def sign_in(self) -> bool:
        """Sign in as the same person; True when there is a session.

        Where that fails and the page itself names a password, as demonstrations do, it is tried with that.
        """
        if self._sign_in_anywhere():
            return True
        named = _PASSWORD_NAMED.search(look(self.page).text)
        if named is None or named[1] == self.person.password:
            return False
        self.person.password = named[1]
        self.notes.append("signed in with the password that the sign-in page itself names")
        return self._sign_in_anywhere()

    def _sign_in_anywhere(self) -> bool:
        tried = 0
        for path in dict.fromkeys((self.door, *self.paths)):
            if not path or self._reach_form(path, sign_up=False) is None:
                continue
            if self._through(sign_up=False):
                return True
            tried += 1
            if tried == _FORMS_TRIED:
                break
        return False

    def sign_out(self, pages: Sequence[str] = ()) -> bool:
        """Find the way out on this page, in its menus, then on the pages named; True when the session is gone.

        Some apps show their way in although there is a session: then one signs in as they ask, and looks again.
        """
        for path in ("", "/", *pages):
            if path:
                self.go(path)
                settle_in(self.page, self.person)
            if self._press_out_anywhere():
                return True
        return self.sign_in() and self._press_out_anywhere()

    def _press_out_anywhere(self) -> bool:
        """Look on the page, then behind what leads to one's account, then in every menu."""
        settle(self.page)
        if not self.session.is_held() or self._press_out():
            return True
        account = next((item for item in look(self.page).buttons if _is_account(item)), None)
        if account is not None and press(self.page, account["mark"]) and self._press_out():
            return True
        return self._press_out_in_menus()

    def _reach_form(self, path: str, *, sign_up: bool) -> Screen | None:
        """From a path, press what leads to a form for an e-mail address until there is one of the wanted kind."""
        screen, pressed = self.go(path), set[str]()
        for _ in range(5):
            group = group_of(screen)
            if group is not None and self._is_sign_up(screen, group) == sign_up:
                return screen
            wanted = words.SIGN_UP if sign_up else words.SIGN_IN
            ways = screen.buttons_like(words.BY_MAIL) + screen.buttons_like(wanted, but=words.BY_OTHERS)
            if not ways and group is None:  # one door for both
                ways = screen.buttons_like(words.SIGN_IN if sign_up else words.SIGN_UP, but=words.BY_OTHERS)
            ways = [item for item in ways if item["text"].lower() not in pressed and not item["selected"]]
            ways = [item for item in ways if not item["href"] or item["href"].startswith(self.origin)]
            ways = [item for item in ways if not (item["type"] == "submit" and group and item["group"] == group)]
            if not ways and sign_up and group is None:
                ways = _roles(screen, pressed)
            print(
                path,
                screen.path,
                "form" if group is not None else "no form",
                [item["text"] for item in ways[:3]],
                flush=True,
            )
            if not ways and not pressed and self._press_picture(screen):
                pressed.add("picture")
                screen = look(self.page)
                continue
            if not ways:
                break
            pressed.add(ways[0]["text"].lower())
            press(self.page, ways[0]["mark"])
            screen = look(self.page)
        group = group_of(screen)
        return screen if group is not None and self._could_be(screen, group, sign_up=sign_up) else None

    def _press_picture(self, screen: Screen) -> bool:
        """Some pages say "tap to sign in" over a picture or a title that is no button."""
        if not words.SIGN_IN.search(screen.text):
            return False
        try:
            self.page.locator("h1:visible, main img:visible, [class*=cursor]:visible").first.click(timeout=2500)
        except Error:
            return False
        return True

    def _is_sign_up(self, screen: Screen, group: str) -> bool:
        mine = [item for item in screen.fields if item["group"] == group]
        button = submit_button(screen, group)
        text = button["text"] if button else ""
        if words.SIGN_UP.search(text) and not words.SIGN_IN.search(text):
            return True
        if words.SIGN_IN.search(text) and not words.SIGN_UP.search(text):
            return False
        return sum(map(is_password, mine)) > 1 or len([item for item in mine if item["tag"] == "input"]) > 2

    def _could_be(self, screen: Screen, group: str, *, sign_up: bool) -> bool:
        """A form for an address alone signs up and in: by a code or a link."""
        mine = [item for item in screen.fields if item["group"] == group]
        only_address = any(map(is_email, mine)) and not any(map(is_password, mine)) and len(mine) <= 2
        return bool(only_address and words.DOORS.search(screen.path)) or (not sign_up and any(map(is_password, mine)))

    def _through(self, *, sign_up: bool) -> bool:
        """Fill in and send what is asked, step by step, and prove the address where that is asked for."""
        box = Mailbox(self.origin, self.person.email)
        mails = len(box.all())
        seen: Counter[tuple[str, tuple[str, ...]]] = Counter()
        for _ in range(_STEPS):
            screen = look(self.page)
            form = (screen.path, tuple(item["name"] or item["label"] for item in screen.fields))
            seen[form] += 1
            if seen[form] > _SAME_FORM:
                return False
            group = group_of(screen)
            codes = code_fields(screen)
            if group is None and codes and self._type_code(box, mails, codes):
                return True
            fill(self.page, screen, group, self.person)
            screen = look(self.page)
            button = submit_button(screen, group)
            print("fill in", screen.path, repr(group), button and button["text"], flush=True)
            before = len(self.watch.answered)
            if button is None or not press(self.page, button["mark"]):
                self.page.keyboard.press("Enter")
            settle(self.page)
            wait_seconds = WAIT_SECONDS if self._asked(before) else 1.5
            if self._let_in(box, mails, wait_seconds) or self._open_link(box, mails):
                return True
            if sign_up and self._has_account() and not code_fields(look(self.page)):
                return self.sign_in_after_sign_up()
            after = look(self.page)
            if after.path == screen.path and after.text == screen.text and not self._asked(before):
                return False
        return False

    def _let_in(self, box: Mailbox, mails: int, seconds: float) -> bool:
        """Wait for a session, or for a mail that asks for more."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.session.wait(seconds=1):
                return True
            if len(box.all()) > mails:
                return False
        return False

    def sign_in_after_sign_up(self) -> bool:
        """Some apps end the session that signing up began, or ask to sign in."""
        self.notes.append("signed in by hand after signing up")
        return self.sign_in()

    def _asked(self, before: int) -> bool:
        return any("/auth/v1/" in path or "/functions/v1/" in path for _, path, _ in self.watch.answered[before:])

    def _has_account(self) -> bool:
        return any(status < 300 for status in self.watch.seen("POST", "/auth/v1/signup"))

    def _type_code(self, box: Mailbox, mails: int, fields: list[dict[str, Any]]) -> bool:
        mail = box.newest(after=mails)
        code = code_in(mail) if mail else None
        if code is None:
            return False
        self.page.locator(f'[data-walk="{fields[0]["mark"]}"]').first.click(timeout=3000)
        self.page.keyboard.type(code, delay=30)
        self.page.keyboard.press("Enter")
        self.notes.append("by a code from the mail page")
        return self.session.wait()

    def _open_link(self, box: Mailbox, mails: int) -> bool:
        mail = box.newest(after=mails, seconds=1.5)
        link = link_in(mail) if mail else None
        if link is None or code_fields(look(self.page)):
            return False
        self.notes.append("by a link from the mail page")
        self.page.goto(link)
        settle(self.page)
        return self.session.wait()

    def _press_out(self) -> bool:
        for item in look(self.page).buttons_like(words.SIGN_OUT)[:3]:
            press(self.page, item["mark"])
            self.page.wait_for_timeout(600)
            if self.session.wait(wanted=False, seconds=3):
                return True
            for again in look(self.page).buttons_like(words.SIGN_OUT):
                if again["dialog"] and press(self.page, again["mark"]) and self.session.wait(wanted=False, seconds=5):
                    return True
        return False

    def _press_out_in_menus(self) -> bool:
        screen = look(self.page)
        menus = [item for item in screen.buttons if item["tag"] in {"button", "summary"} or item["role"] == "button"]
        menus = [
            item
            for item in menus
            if item["popup"] or item["small"] or item["menu"] or words.ACCOUNT.search(item["text"])
        ]
        for item in sorted(menus, key=lambda item: not item["popup"])[:_MENUS]:
            if words.HARMFUL.search(item["text"]) or not press(self.page, item["mark"]):
                continue
            self.page.wait_for_timeout(400)
            if self._press_out():
                return True
            self.page.keyboard.press("Escape")
        return False

    def _complaint(self) -> str:
        found = self.page.locator(
            "[role=alert]:visible,[data-sonner-toast]:visible,[role=status]:visible,.text-red-500:visible"
        )
        try:
            return " / ".join(text.strip() for text in found.all_inner_texts() if text.strip())[:200]
        except Error:
            return ""


def _is_account(item: dict[str, Any]) -> bool:
    about = f"{item['text']} {item['href'].partition('://')[2].partition('/')[2]}"
    return bool(words.ACCOUNT.search(about)) and not words.HARMFUL.search(item["text"]) and len(item["text"]) < 40


def _roles(screen: Screen, pressed: set[str]) -> list[dict[str, Any]]:
    """Cards to choose among before the form comes: what kind of user one is."""
    if not words.DOORS.search(screen.path):
        return []
    cards = [item for item in screen.buttons_like(words.ROLE, but=words.BY_OTHERS) if not item["menu"]]
    cards = [item for item in cards if item["text"].lower() not in pressed and not words.SIGN_IN.search(item["text"])]
    onward = [item for item in screen.buttons_like(words.ONWARD) if item["text"].lower() not in pressed]
    return cards[:1] if cards and not (pressed and onward) else onward
