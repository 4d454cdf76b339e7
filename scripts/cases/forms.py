"""Fill in forms that nobody here has seen before, by what their fields are called."""

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Error, Page

from cases import words
from cases.screen import Screen, look, press

_EMAIL = re.compile(r"e-?mail|correo|courriel", re.IGNORECASE)
_NOBODY_GAVE = re.compile(
    r"referral|referred|promo|coupon|voucher|discount|gift|invit\w* code|c[oó]digo promocional|gutschein", re.IGNORECASE
)
"""What only those have to whom somebody gave it: a new person leaves it empty where that is allowed."""
_CODE = re.compile(r"one-time-code|\botp\b|verification code|6.digit|code", re.IGNORECASE)
_RULES = (
    (re.compile(r"phone|tel\b|mobile|celular|whatsapp|t[ée]l[ée]fon|telefoon|contact n", re.IGNORECASE), "9876543210"),
    (re.compile(r"user.?name|handle|nickname|benutzername|usuario$", re.IGNORECASE), "{handle}"),
    (re.compile(r"first.?name|vorname|pr[ée]nom|^nombre$|voornaam", re.IGNORECASE), "Ada"),
    (re.compile(r"\burl\b|website|site web|web ?page|link", re.IGNORECASE), "https://{handle}.example.org"),
    (re.compile(r"last.?name|surname|nachname|apellido|sobrenome|achternaam", re.IGNORECASE), "Walker"),
    (
        re.compile(
            r"compan|organi[sz]ation|business|firma|empresa|entreprise|bedrijf|shop|store|studio|school|team|name of",
            re.IGNORECASE,
        ),
        "Walker {handle}",
    ),
    (re.compile(r"name|nombre|nome|naam|\bnom\b", re.IGNORECASE), "Ada Walker"),
    (re.compile(r"zip|postal|postcode|plz|pin ?code", re.IGNORECASE), "12345"),
    (re.compile(r"\bage\b|alter|edad|idade", re.IGNORECASE), "30"),
    (re.compile(r"city|stadt|ciudad|cidade|ville", re.IGNORECASE), "Lisbon"),
    (re.compile(r"country|land|pa[ií]s|pays", re.IGNORECASE), "Portugal"),
    (re.compile(r"id|number|nummer|n[úu]mero", re.IGNORECASE), "100200"),
)
_TYPED = {
    "date": "1990-05-17",
    "url": "https://example.test",
    "tel": "9876543210",
    "time": "10:00",
    "datetime-local": "2030-05-17T10:00",
    "month": "2030-05",
    "color": "#336699",
}
_NO_TEXT = {"checkbox", "radio", "file", "hidden", "submit", "button", "range", "image", "reset", "search"}


@dataclass
class Person:
    """Somebody new."""

    password: str = "Walk-Passw0rd-17!"
    handle: str = field(default_factory=lambda: f"walker{uuid.uuid4().hex[:8]}")

    @property
    def email(self) -> str:
        """An address that no one has."""
        return f"{self.handle}@example.com"


def is_email(item: dict[str, Any]) -> bool:
    """Whether a field asks for an e-mail address."""
    about = f"{item['name']} {item['label']} {item['autocomplete']}"
    return item["tag"] == "input" and (
        "email" in {item["type"], item["mode"]} or (item["type"] in {"", "text"} and bool(_EMAIL.search(about)))
    )


def is_password(item: dict[str, Any]) -> bool:
    """Whether a field asks for a password."""
    return item["tag"] == "input" and item["type"] == "password"


def code_fields(screen: Screen) -> list[dict[str, Any]]:
    """Fields for a code from a mail: one, or one a digit."""
    return [
        item
        for item in screen.fields
        if item["tag"] == "input"
        and item["type"] in {"", "text", "tel", "number"}
        and not is_email(item)
        and (item["max"] == 1 or _CODE.search(f"{item['name']} {item['label']} {item['autocomplete']}"))
    ]


def group_of(screen: Screen) -> str | None:
    """The form that asks for an e-mail address, the one with a password first; None when there is none."""
    with_password = {item["group"] for item in screen.fields if is_password(item)}
    letters = {item["group"] for item in screen.buttons if words.NEWSLETTER.search(item["text"])} - {""}
    groups = [item["group"] for item in screen.fields if is_email(item) and item["group"] not in letters]
    return next(
        (group for group in groups if group in with_password), groups[0] if groups and not with_password else None
    )


def fill(page: Page, screen: Screen, group: str | None, person: Person) -> None:
    """Fill in every field of a form that is empty, as this person, and choose where a list is to be chosen from."""
    radios: set[str] = set()
    for item in screen.fields:
        if group is not None and item["group"] != group:
            continue
        try:
            _fill_one(page, item, person, radios)
        except Error:
            continue
    for item in screen.buttons:
        mine = group is None or item["group"] == group
        if mine and item["tag"] == "button" and item["type"] == "button" and words.TO_CHOOSE.search(item["text"]):
            _choose_of_own_list(page, item)


def _fill_one(page: Page, item: dict[str, Any], person: Person, radios: set[str]) -> None:
    target = page.locator(f'[data-walk="{item["mark"]}"]').first
    if item["role"] == "combobox" and item["tag"] == "button":
        _choose(page, item)
    elif item["type"] == "checkbox" or item["role"] in {"checkbox", "switch"}:
        if not item["checked"] and item["role"] != "switch":
            press(page, item["mark"])
    elif item["type"] == "radio":
        if item["name"] not in radios:
            radios.add(item["name"])
            press(page, item["mark"])
    elif item["tag"] == "select":
        if item["options"] and not item["value"]:
            target.select_option(item["options"][0], timeout=2000)
    elif item["type"] not in _NO_TEXT:
        value = _value(item, person)
        left_empty = item["value"] or (not item["required"] and _NOBODY_GAVE.search(f"{item['name']} {item['label']}"))
        if is_email(item) or is_password(item) or not left_empty:
            target.fill(value, timeout=2000)


def _value(item: dict[str, Any], person: Person) -> str:
    about = f"{item['name']} {item['label']} {item['autocomplete']}"
    if is_email(item):
        return person.email
    if is_password(item):
        return person.password
    if item["type"] in _TYPED:
        return _TYPED[item["type"]]
    value = next((text for pattern, text in _RULES if pattern.search(about)), "Walk")
    if item["type"] == "number" or item["mode"] == "numeric":
        value = value if value.isdigit() else item["min"] or "1"
    return value.replace("{handle}", person.handle)[: item["max"] if item["max"] > 0 else None]


def _choose(page: Page, item: dict[str, Any]) -> None:
    press(page, item["mark"])
    option = page.locator("[role=option]:visible").first
    option.click(timeout=2000)


def _choose_of_own_list(page: Page, item: dict[str, Any]) -> None:
    """Open a list that is made of plain buttons or items, and press the first that was not there before.

    Some close again because the page scrolled when they opened: they are opened once more then.
    """
    before = {other["mark"] for other in look(page).buttons}
    for _ in range(2):
        if not press(page, item["mark"]):
            return
        new = [other for other in look(page).buttons if other["mark"] not in before and other["text"]]
        if new:
            press(page, new[0]["mark"])
            return


def submit_button(screen: Screen, group: str | None) -> dict[str, Any] | None:
    """The button that sends a form; one that cannot be pressed yet where there is no other."""
    own = [item for item in screen.buttons if not group or item["group"] == group]
    own = [item for item in own if not item["disabled"]] or own
    own = [item for item in own if not words.BY_OTHERS.search(item["text"]) and item["tag"] != "a"]
    by_words = [
        item
        for item in own
        if words.SIGN_UP.search(item["text"]) or words.ONWARD.search(item["text"]) or words.SIGN_IN.search(item["text"])
    ]
    if group:
        sends = [item for item in own if item["type"] == "submit" and item["role"] != "tab"]
        if sends:
            return next((item for item in sends if item in by_words), sends[-1])
    candidates = [item for item in by_words if item["role"] != "tab" and not item["menu"]]
    return candidates[-1] if candidates else None
