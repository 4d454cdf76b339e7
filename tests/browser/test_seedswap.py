"""The Bolt sample with a Django server, unmodified, used as people use it against a real `freehold up`."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from build_world import pip_reaches_its_index
from served_sample import served_sample

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).parents[2] / "examples/bolt-seedswap"
PASSWORD = "a lamp in the window"
NewPage = Callable[..., Page]
Look = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def site(browser: Any) -> Iterator[str]:
    assert browser
    if not pip_reaches_its_index():
        pytest.skip("pip reaches no package index")
    with served_sample(SAMPLE, "FREEHOLD_SEEDSWAP_URL") as origin:
        yield origin


def somebody(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:10]}@example.test"


def _fill(page: Page, address: str, password: str) -> None:
    page.get_by_label("Email").fill(address)
    page.get_by_label("Password").fill(password)


def sign_up(page: Page, address: str) -> None:
    page.goto("/")
    page.get_by_role("button", name="I am new here").click()
    _fill(page, address, PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text(f"Signed in as {address}")).to_be_visible()


def add(page: Page, seed: str) -> None:
    page.get_by_label("New seed").fill(seed)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("listitem").filter(has_text=seed)).to_be_visible()


def test_two_people_sign_up_and_each_keeps_seeds_of_their_own(new_page: NewPage, look: Look) -> None:
    ada, bob = somebody("ada"), somebody("bob")
    first, second = new_page(), new_page()
    sign_up(first, ada)
    add(first, "borage")
    look(first, "seedswap-seeds")
    sign_up(second, bob)
    expect(second.get_by_text("Nothing to swap yet.")).to_be_visible()
    add(second, "chard")
    first.reload()
    expect(first.get_by_text("Label every packet with the year.")).to_be_visible()  # from the app's SQL
    expect(first.get_by_role("listitem").filter(has_text="borage")).to_be_visible()
    expect(first.get_by_role("listitem").filter(has_text="chard")).to_have_count(0)
    first.get_by_role("button", name="Give borage away").click()
    expect(first.get_by_text("Nothing to swap yet.")).to_be_visible()


def test_somebody_signs_out_and_in_again_and_a_wrong_password_is_said(new_page: NewPage) -> None:
    page, address = new_page(), somebody("cleo")
    sign_up(page, address)
    page.get_by_role("button", name="Sign out").click()
    _fill(page, address, "not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Wrong email or password")
    _fill(page, address, PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text(f"Signed in as {address}")).to_be_visible()
