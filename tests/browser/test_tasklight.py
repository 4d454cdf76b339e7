"""The sample's own pages, used as people use them, against a real `freehold up`."""

import html
import re
import struct
import urllib.request
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from page_frames import PageFrames

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

NewPage = Callable[..., Page]
Look = Callable[[Page, str], None]
Tolerate = Callable[[str], None]
PASSWORD = "a lamp in the window"
LONG_NAME = "Everything to be bought, borrowed or begged before the house move in the autumn"
LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
FAULTLESS_PAGES = ("/", "/auth", "/auth?mode=sign-up", "/forgot-password", "/reset-password", "/lists", "/profile")


@dataclass(frozen=True)
class Person:
    name: str
    email: str


def somebody(name: str) -> Person:
    return Person(name, f"{name.lower()}-{uuid.uuid4().hex[:10]}@example.test")


def sign_up(page: Page, person: Person) -> None:
    page.goto("/auth?mode=sign-up")
    page.get_by_label("Your name").fill(person.name)
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", name=f"Hello, {person.name}")).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()


def sign_in(page: Page, person: Person, password: str = PASSWORD) -> None:
    page.goto("/auth")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def make_list(page: Page, name: str) -> None:
    page.goto("/lists")
    page.get_by_role("button", name="New list").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create list").click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def add_task(page: Page, title: str, *, priority: str = "normal", due: str = "") -> None:
    page.get_by_label("New task").fill(title)
    page.get_by_label("Priority").select_option(priority)
    page.get_by_label("Due on").fill(due)
    page.get_by_role("button", name="Add task").click()
    expect(tasks(page).get_by_text(title, exact=True)).to_be_visible()


def share(page: Page, email: str) -> None:
    page.get_by_role("button", name=re.compile("^Share")).click()
    page.get_by_label("Their e-mail").fill(email)
    page.get_by_role("button", name="Share list").click()
    expect(page.get_by_role("list", name="Shared with").get_by_text(email)).to_be_visible()
    page.get_by_role("button", name="Close").click()


def tasks(page: Page) -> Locator:
    return page.get_by_test_id("tasks")


def titles(page: Page) -> Locator:
    return tasks(page).get_by_role("listitem").locator("p")


def picture(path: Path) -> Path:
    """A PNG of 8 by 8 amber pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x00" + b"\xf6\xc6\x67" * 8 for _ in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(data)
    return path


def newest_mail(site: str, email: str) -> dict[str, str]:
    with urllib.request.urlopen(f"{site}/_freehold/mail/messages") as answer:
        mails: list[dict[str, str]] = orjson.loads(answer.read())["messages"]
    return next(mail for mail in mails if mail["to"] == email)


def link_in(mail: dict[str, str]) -> str:
    found = re.search(r'href="([^"]+)"', mail["html"])
    assert found, mail["html"]
    return html.unescape(found[1])


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def is_painted(image: Locator) -> None:
    expect(image).to_be_visible()
    expect(image).to_have_js_property("complete", value=True)
    assert image.evaluate("node => node.naturalWidth") > 0


def test_a_new_user_signs_up_signs_out_and_comes_back(page: Page, look: Look) -> None:
    ada = somebody("Ada")
    page.goto("/")
    look(page, "front")
    sign_up(page, ada)
    look(page, "first-sight")
    sign_out(page)
    page.goto("/lists")
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    sign_in(page, ada)
    expect(page.get_by_role("heading", name="Hello, Ada")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Hello, Ada")).to_be_visible()


def test_a_wrong_password_and_a_taken_address_are_refused_in_words(page: Page, look: Look) -> None:
    ada = somebody("Ada")
    sign_up(page, ada)
    sign_out(page)
    sign_in(page, ada, "not the password")
    expect(page.get_by_role("alert")).to_have_text("Invalid login credentials")
    look(page, "wrong-password")
    page.goto("/auth?mode=sign-up")
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail").fill(ada.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_have_text("User already registered")


def test_tasks_are_created_completed_found_sorted_and_deleted(page: Page, look: Look) -> None:
    sign_up(page, somebody("Ada"))
    make_list(page, "Home")
    add_task(page, "Water the tomatoes")
    add_task(page, "Book the ferry", priority="high", due="2031-06-01")
    add_task(page, "Call grandmother", priority="low", due="2020-01-31")
    expect(titles(page)).to_have_text(["Call grandmother", "Book the ferry", "Water the tomatoes"])
    page.get_by_label("Sort by").select_option("due")
    expect(titles(page)).to_have_text(["Call grandmother", "Book the ferry", "Water the tomatoes"])
    page.get_by_label("Sort by").select_option("priority")
    expect(titles(page)).to_have_text(["Book the ferry", "Water the tomatoes", "Call grandmother"])
    page.get_by_role("checkbox", name="Water the tomatoes").click()
    expect(page.get_by_role("checkbox", name="Water the tomatoes")).to_be_checked()
    expect(page.get_by_role("button", name="Open (2)")).to_be_visible()
    look(page, "list")
    page.get_by_role("button", name="Done", exact=True).click()
    expect(titles(page)).to_have_text(["Water the tomatoes"])
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_label("Search tasks").fill("ferry")
    expect(titles(page)).to_have_text(["Book the ferry"])
    page.get_by_label("Search tasks").fill("")
    page.get_by_role("button", name="Clear completed").click()
    expect(page.get_by_role("status")).to_contain_text("1 completed task removed")
    page.get_by_role("button", name="Delete Call grandmother").click()
    expect(titles(page)).to_have_text(["Book the ferry"])
    page.reload()
    expect(titles(page)).to_have_text(["Book the ferry"])


def test_the_overview_counts_and_names_what_is_due(page: Page, look: Look) -> None:
    sign_up(page, somebody("Ada"))
    make_list(page, "Home")
    add_task(page, "Call grandmother", due="2020-01-31")
    add_task(page, "Sign the lease", priority="high")
    add_task(page, "Read a book")
    page.get_by_role("link", name="All lists").click()
    expect(page.get_by_test_id("stats")).to_have_text("3 open, 0 done, 1 overdue")
    expect(page.get_by_role("link", name=re.compile("^Home"))).to_contain_text("3 tasks")
    upcoming = page.get_by_role("region", name="Coming up")
    expect(upcoming.get_by_role("link")).to_have_text([re.compile("Call grandmother"), re.compile("Sign the lease")])
    look(page, "overview")


def test_nobody_sees_another_users_list(new_page: NewPage) -> None:
    adas, eves = new_page(), new_page()
    sign_up(adas, somebody("Ada"))
    make_list(adas, "Secret garden")
    add_task(adas, "Plant the roses")
    sign_up(eves, somebody("Eve"))
    expect(eves.get_by_text("No lists yet")).to_be_visible()
    expect(eves.get_by_test_id("stats")).to_have_text("0 open, 0 done")
    eves.goto(adas.url)
    expect(eves.get_by_role("heading", name="List not found")).to_be_visible()
    assert "Plant the roses" not in eves.content()


def test_a_shared_list_is_seen_and_worked_on_by_the_invited_person_only(new_page: NewPage, look: Look) -> None:
    adas, bobs, eves = new_page(), new_page(), new_page()
    bob = somebody("Bob")
    sign_up(adas, somebody("Ada"))
    make_list(adas, "Garden")
    add_task(adas, "Plant the roses")
    share(adas, bob.email)
    expect(adas.get_by_role("button", name="Shared with 1")).to_be_visible()

    sign_up(bobs, bob)
    shared = bobs.get_by_role("region", name="Shared with you")
    expect(shared.get_by_role("link", name=re.compile("Garden"))).to_contain_text("from Ada")
    look(bobs, "shared-with-bob")
    shared.get_by_role("link", name=re.compile("Garden")).click()
    expect(bobs.get_by_text("Ada shares this list with you.")).to_be_visible()
    expect(bobs.get_by_role("button", name="Delete this list")).to_have_count(0)
    add_task(bobs, "Fetch the compost")
    bobs.get_by_role("checkbox", name="Plant the roses").click()
    expect(bobs.get_by_role("button", name="Open (1)")).to_be_visible()

    adas.reload()
    expect(titles(adas)).to_have_text(["Fetch the compost", "Plant the roses"])
    expect(adas.get_by_role("checkbox", name="Plant the roses")).to_be_checked()

    sign_up(eves, somebody("Eve"))
    eves.goto(adas.url)
    expect(eves.get_by_role("heading", name="List not found")).to_be_visible()

    adas.get_by_role("button", name="Shared with 1").click()
    adas.get_by_role("button", name=f"Stop sharing with {bob.email}").click()
    expect(adas.get_by_role("list", name="Shared with")).to_have_count(0)
    bobs.reload()
    expect(bobs.get_by_role("heading", name="List not found")).to_be_visible()


def test_an_attached_picture_is_shown_to_those_who_share_the_list(
    new_page: NewPage, tmp_path: Path, look: Look
) -> None:
    adas, bobs = new_page(), new_page()
    bob = somebody("Bob")
    sign_up(adas, somebody("Ada"))
    make_list(adas, "Garden")
    add_task(adas, "Plant the roses")
    adas.get_by_label("File for Plant the roses").set_input_files(picture(tmp_path / "rose bed (1).png"))
    is_painted(adas.get_by_role("img", name="rose bed (1).png"))
    notes = tmp_path / "notes.txt"
    notes.write_text("two hand-widths apart")
    adas.get_by_label("File for Plant the roses").set_input_files(notes)
    link = adas.get_by_role("link", name="notes.txt")
    expect(link).to_be_visible()
    look(adas, "attachments")
    address = link.get_attribute("href") or ""
    assert adas.request.get(address).text() == "two hand-widths apart"
    assert adas.request.get(re.sub(r"token=[^&]+", "token=made-up", address)).status == 400

    share(adas, bob.email)
    sign_up(bobs, bob)
    bobs.goto(adas.url)
    is_painted(bobs.get_by_role("img", name="rose bed (1).png"))


def test_a_shared_list_follows_what_the_other_does(new_page: NewPage) -> None:
    adas, bobs, eves = new_page(), new_page(), new_page()
    bob, eve = somebody("Bob"), somebody("Eve")
    sign_up(adas, somebody("Ada"))
    make_list(adas, "Garden")
    share(adas, bob.email)
    sign_up(bobs, bob)
    sign_up(eves, eve)
    eve_hears, bob_hears = (PageFrames(page, "framereceived") for page in (eves, bobs))
    bobs.goto(adas.url)
    eves.goto(adas.url)
    expect(bobs.get_by_text("Ada shares this list with you.")).to_be_visible()
    bob_hears.wait_for("Subscribed to PostgreSQL")

    add_task(adas, "Plant the roses")
    expect(titles(bobs)).to_have_text(["Plant the roses"])
    bobs.get_by_role("checkbox", name="Plant the roses").click()
    expect(adas.get_by_role("checkbox", name="Plant the roses")).to_be_checked()
    adas.get_by_role("button", name=re.compile("Clear completed")).click()
    expect(tasks(bobs).get_by_role("listitem")).to_have_count(0)
    assert not any("Plant the roses" in frame for frame in eve_hears.texts)


def test_a_profile_picture_is_public_and_follows_the_name(page: Page, tmp_path: Path, look: Look) -> None:
    sign_up(page, somebody("Ada"))
    page.goto("/profile")
    page.get_by_label("Change picture").set_input_files(picture(tmp_path / "me.png"))
    image = page.get_by_role("main").get_by_role("img", name="Ada")
    is_painted(image)
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_role("button", name="Save profile").click()
    is_painted(page.get_by_role("main").get_by_role("img", name="Ada Lovelace"))
    look(page, "profile")
    page.reload()
    is_painted(page.get_by_role("main").get_by_role("img", name="Ada Lovelace"))
    address = page.get_by_role("main").get_by_role("img", name="Ada Lovelace").get_attribute("src") or ""
    answer = page.context.browser.new_context().request.get(address) if page.context.browser else None
    assert answer is not None
    assert answer.headers["content-type"] == "image/png"


def test_a_function_reads_rows_as_the_person_who_asks(page: Page, look: Look) -> None:
    sign_up(page, somebody("Ada"))
    make_list(page, "Home")
    add_task(page, "Water the tomatoes")
    add_task(page, "Book the ferry", due="2031-06-01")
    page.get_by_role("checkbox", name="Water the tomatoes").click()
    expect(page.get_by_role("button", name="Open (1)")).to_be_visible()
    page.get_by_role("button", name="Summarise").click()
    expect(page.get_by_test_id("summary")).to_have_text(
        "“Home” has 1 open and 1 done. Next: Book the ferry, due 2031-06-01.", timeout=60_000
    )
    look(page, "summary")


def test_an_ai_call_without_a_provider_says_so_on_the_page(page: Page, tolerate: Tolerate, look: Look) -> None:
    tolerate("/functions/v1/suggest-tasks")
    sign_up(page, somebody("Ada"))
    make_list(page, "Birthday party")
    page.get_by_role("button", name="Suggest tasks").click()
    expect(page.get_by_role("alert")).to_contain_text("No AI provider is set", timeout=60_000)
    look(page, "no-ai")


def test_the_hard_coded_webhook_address_is_the_new_one_and_answers(page: Page, site: str, look: Look) -> None:
    sign_up(page, somebody("Ada"))
    page.goto("/profile")
    expect(page.get_by_test_id("webhook")).to_have_text(f"{site}/functions/v1/ping")
    page.get_by_role("button", name="Check the address").click()
    expect(page.get_by_text("It answers.")).to_be_visible(timeout=60_000)
    look(page, "webhook")


def test_a_forgotten_password_is_replaced_by_the_link_in_the_mail(page: Page, site: str, look: Look) -> None:
    ada = somebody("Ada")
    sign_up(page, ada)
    sign_out(page)
    page.get_by_role("link", name="Forgot your password?").click()
    page.get_by_label("E-mail").fill(ada.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    link = link_in(newest_mail(site, ada.email))
    page.goto(link)
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()
    look(page, "new-password")
    page.get_by_label("New password").fill("another lamp entirely")
    page.get_by_role("button", name="Save the new password").click()
    expect(page.get_by_role("heading", name="Hello, Ada")).to_be_visible()
    sign_out(page)
    sign_in(page, ada)
    expect(page.get_by_role("alert")).to_have_text("Invalid login credentials")
    sign_in(page, ada, "another lamp entirely")
    expect(page.get_by_role("heading", name="Hello, Ada")).to_be_visible()
    sign_out(page)
    page.goto(link)
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()


def test_the_mail_page_shows_the_mail_and_its_link_opens_the_app(page: Page, look: Look) -> None:
    ada = somebody("Ada")
    sign_up(page, ada)
    sign_out(page)
    page.goto("/forgot-password")
    page.get_by_label("E-mail").fill(ada.email)
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    page.goto("/_freehold/mail")
    look(page, "mails")
    page.get_by_role("listitem").filter(has_text=ada.email).get_by_role("link").click()
    look(page, "mail")
    page.frame_locator("iframe").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Choose a new password")).to_be_visible()


def test_deep_addresses_load_the_app_and_unknown_ones_say_so(page: Page) -> None:
    page.goto("/lists/00000000-0000-4000-8000-000000000000")
    expect(page.get_by_role("heading", name="Welcome back")).to_be_visible()
    page.goto("/no/such/page")
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()


def test_no_page_scrolls_sideways_on_a_phone(phone: Page, look: Look) -> None:
    sign_up(phone, somebody("Ada"))
    make_list(phone, LONG_NAME)
    add_task(phone, LONG_WORD, priority="high", due="2031-06-01")
    share(phone, f"{'long-' * 12}address@{'sub.' * 8}example.test")
    assert overflow(phone) == 0
    look(phone, "list")
    phone.get_by_role("button", name="Shared with 1").click()
    assert overflow(phone) == 0
    look(phone, "share")
    for number, path in enumerate(FAULTLESS_PAGES):
        phone.goto(path)
        expect(phone.get_by_role("heading", level=1)).to_be_visible()
        assert overflow(phone) == 0, path
        look(phone, f"page-{number}")
