"""What an app asks of a new person before it shows its menus."""

from playwright.sync_api import Page

from cases import words
from cases.forms import Person, fill
from cases.screen import look, press

_STEPS = 16
_TRIED_ONWARD = 3


def settle_in(page: Page, person: Person) -> None:
    """Answer what an app asks of a new person before it shows its menus: a few steps, each with a way onward."""
    for _ in range(_STEPS):
        screen = look(page)
        if len([item for item in screen.buttons if item["menu"] and item["text"]]) > 2:
            return
        fill(page, screen, None, person)
        if not _press_onward(page) and not (_press_choice(page) and _press_onward(page)):
            return


def _press_onward(page: Page) -> bool:
    """Press what leads on; False where nothing does, or nothing changes by it."""
    screen = look(page)
    mine = [item for item in screen.buttons if not item["menu"] and not item["href"] and not item["disabled"]]
    mine = [item for item in mine if not words.BACK.search(item["text"]) and not words.HARMFUL.search(item["text"])]
    mine = [item for item in mine if not words.SIGN_OUT.search(item["text"]) and item["role"] != "tab"]
    sending = [item for item in mine if item["type"] == "submit" and item["group"]]
    onward = [item for words_ in (words.ONWARD, words.SET_UP) for item in mine if words_.search(item["text"])]
    tried = set[str]()
    for item in (*sending, *sorted(onward, key=lambda item: len(item["text"]))):
        if item["mark"] in tried or len(tried) == _TRIED_ONWARD:
            continue
        tried.add(item["mark"])
        if press(page, item["mark"]):
            after = look(page)
            if after.text != screen.text or after.path != screen.path:
                return True
    return False


def _press_choice(page: Page) -> bool:
    """Press the first of the answers that a step offers as buttons."""
    screen = look(page)
    choices = [item for item in screen.buttons if item["tag"] in {"button", "div"} and not item["menu"]]
    choices = [item for item in choices if item["text"] and not item["href"] and not item["disabled"]]
    for not_a_choice in (words.ONWARD, words.SIGN_OUT, words.BACK, words.HARMFUL):
        choices = [item for item in choices if not not_a_choice.search(item["text"])]
    return bool(choices) and press(page, choices[0]["mark"])
