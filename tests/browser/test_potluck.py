"""The Base44 sample, its own pages and SDK unmodified, used as people use it against a real `freehold up`."""

import json
import re
import struct
import urllib.request
import uuid
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from page_frames import PageFrames
from served_sample import served_sample

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SAMPLE = Path(__file__).parents[2] / "examples/base44-potluck"
PASSWORD = "a lamp in the window"
NewPage = Callable[..., Page]
Look = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def site(browser: Any) -> Iterator[str]:
    assert browser
    with served_sample(SAMPLE, "FREEHOLD_POTLUCK_URL") as origin:
        yield origin


def somebody(name: str) -> str:
    return f"{name}-{uuid.uuid4().hex[:10]}@example.test"


def code_for(site: str, address: str) -> str:
    """The code in the newest mail to an address, from the mail page."""
    with urllib.request.urlopen(f"{site}/_freehold/mail/messages", timeout=20) as answer:
        mails = json.load(answer)["messages"]
    html = next(mail["html"] for mail in mails if mail["to"] == address)
    match = re.search(r"<strong>(\d+)</strong>", html)
    assert match
    return match[1]


def sign_up(page: Page, site: str, address: str) -> None:
    page.goto("/")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Sign in to Potluck")).to_be_visible()
    page.get_by_role("button", name="Make an account").click()
    page.get_by_label("E-mail").fill(address)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    expect(page.get_by_role("status")).to_contain_text(address)
    page.get_by_label("Code").fill(code_for(site, address))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="On the table")).to_be_visible()
    expect(page).to_have_url(re.compile(r"^[^?]+/(\?is_new_user=true)?$"))


def bring(page: Page, title: str, photo: bytes = b"") -> None:
    page.get_by_label("Dish").fill(title)
    page.get_by_label("Serves").fill("4")
    if photo:
        page.get_by_label("Photo").set_input_files({"name": "dish.png", "mimeType": "image/png", "buffer": photo})
    page.get_by_role("button", name="Bring it").click()
    expect(page.get_by_role("listitem").filter(has_text=title)).to_be_visible()


def png(side: int = 12) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x2f\x6b\x4f" * side for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_stranger_is_asked_to_sign_in_and_a_wrong_password_is_told(page: Page, look: Look) -> None:
    page.goto("/")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    look(page, "door")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("E-mail").fill("nobody@example.test")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Invalid email or password")
    look(page, "login")


def test_two_people_at_one_table(new_page: NewPage, site: str, tolerate: Callable[[str], None], look: Look) -> None:
    ann, ben = new_page(), new_page()
    sign_up(ann, site, somebody("ann"))
    said = PageFrames(ben, "framesent")
    sign_up(ben, site, somebody("ben"))
    said.wait_for('"join"')
    tart = f"Leek tart {uuid.uuid4().hex[:6]}"
    bring(ann, tart, png())
    shown = ann.get_by_role("img", name=tart)
    expect(shown).to_be_visible()
    expect(shown).to_have_js_property("naturalWidth", 12)

    expect(ben.get_by_role("listitem").filter(has_text=tart)).to_be_visible()
    look(ben, "live")

    tolerate("/api/apps")
    ben.get_by_role("button", name=f"Remove {tart}").click()
    expect(ben.get_by_role("alert")).to_contain_text("not found")
    expect(ann.get_by_role("listitem").filter(has_text=tart)).to_be_visible()

    ann.get_by_role("button", name="Summarise").click()
    expect(ann.get_by_text(re.compile(r"\d+ dishes, \d+ portions, \d+ wishes"))).to_be_visible(timeout=60_000)
    ann.get_by_role("button", name="Suggest a dish").click()
    expect(ann.get_by_role("alert")).to_contain_text("No AI provider is set")
    look(ann, "table")

    ann.get_by_role("button", name=f"Remove {tart}").click()
    expect(ben.get_by_role("listitem").filter(has_text=tart)).to_have_count(0)


def test_a_wish_is_seen_by_its_maker_only_and_signing_out_ends_it(new_page: NewPage, site: str, look: Look) -> None:
    ann, ben = new_page(), new_page((390, 844))
    sign_up(ann, site, somebody("ann"))
    sign_up(ben, site, somebody("ben"))
    for page in (ann, ben):
        page.get_by_role("link", name="Wishes").click()
    ann.get_by_label("Wish").fill("more #cake")
    ann.get_by_role("button", name="Keep it").click()
    expect(ann.get_by_role("listitem")).to_have_text("more #cake")
    ben.reload()
    expect(ben.get_by_role("heading", name="My wishes")).to_be_visible()
    expect(ben.get_by_role("listitem")).to_have_count(0)
    look(ben, "phone")
    ann.get_by_role("button", name="Sign out").click()
    expect(ann.get_by_role("button", name="Sign in")).to_be_visible()
