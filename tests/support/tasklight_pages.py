"""The sample's own pages, as a user of before meets them after a move."""

from typing import TYPE_CHECKING

from playwright.sync_api import expect
from supabase_project import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def sign_in_as_before(browser: "Browser", url: str) -> None:
    """With the password of before, on the app's own page; what was written before is there."""
    page = browser.new_context(base_url=url).new_page()
    page.goto("/auth")
    page.get_by_label("E-mail").fill("ann@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Hello, Ann")).to_be_visible()
    page.goto("/lists")
    expect(page.get_by_text("Brought along").first).to_be_visible()
    page.context.close()
