"""Signing in by other providers in Chromium: a tiny page, the unmodified client, and the broker's popup."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from auth_world import KEYS
from node_packages import node_with_packages
from social_world import BUILDERS_CLIENT, FOLDER, PACKAGES, social_world

pytest.importorskip("playwright.async_api", reason="playwright is not installed: pip install playwright")
from playwright.async_api import async_playwright, expect

if TYPE_CHECKING:
    from playwright.async_api import Page

pytestmark = pytest.mark.browser

CLIENT = Path(__file__).parents[1] / "protocol/node"
BUNDLE = "node_modules/@supabase/supabase-js/dist/umd/supabase.js"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
PATIENCE_MS = 20_000
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Tiny</title>
<p id="who">loading</p><p id="ways"></p><p id="fault"></p>
<button id="google">Google</button><button id="gitlab">GitLab</button><button id="link">Link GitLab</button>
<button id="broker">Broker</button><button id="lovable">Lovable</button>
<button id="out">Sign out</button>
<script src="/supabase.js"></script>
<script>
const client = supabase.createClient(location.origin, 'KEY', { auth: { flowType: localStorage.flow || 'implicit' } })
const show = (name, text) => { document.getElementById(name).textContent = text }
const on = (name, act) => document.getElementById(name).addEventListener('click', act)
const redirectTo = location.origin + '/'
client.auth.onAuthStateChange((event, session) => {
  show('who', session ? session.user.email : 'nobody')
  show('ways', session ? session.user.app_metadata.providers.join() : '')
})
const fault = new URLSearchParams(location.hash.slice(1)).get('error_description')
if (fault) show('fault', fault)
on('google', () => client.auth.signInWithOAuth({ provider: 'google', options: { redirectTo } }))
on('gitlab', () => client.auth.signInWithOAuth({ provider: 'gitlab', options: { redirectTo } }))
on('link', () => client.auth.linkIdentity({ provider: 'gitlab', options: { redirectTo } }))
on('out', () => client.auth.signOut())
</script>
<script type="module">
import { createLovableAuth } from '/builder.js'
const builder = createLovableAuth({ supportedOAuthOrigins: [location.origin] })
const signIn = async (provider) => {
  const extraParams = { hd: 'example.com' }
  const result = await builder.signInWithOAuth(provider, { redirect_uri: redirectTo, extraParams })
  if (result.error) show('fault', result.error.message)
  else if (!result.redirected) await client.auth.setSession(result.tokens)
}
on('broker', () => signIn('google'))
on('lovable', () => signIn('lovable'))
</script></html>
"""


@pytest.fixture
def tiny_site(tmp_path: Path) -> Path:
    """A page of its own with the client from npm."""
    folder = tmp_path / "site"
    folder.mkdir()
    node_with_packages(CLIENT, "@supabase/supabase-js")
    shutil.copy(CLIENT / BUNDLE, folder / "supabase.js")
    (folder / "index.html").write_text(PAGE.replace("KEY", KEYS.publishable_key))
    return folder


@pytest.mark.parametrize("flow", ["implicit", "pkce"])
async def test_people_sign_in_out_link_and_come_back(tmp_path: Path, tiny_site: Path, flow: str) -> None:
    async with social_world(tmp_path, site=tiny_site) as world, async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=_chromium(), args=list(ARGUMENTS))
        context = await chromium.new_context()
        await context.add_init_script(f"localStorage.flow = '{flow}'")
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        await page.goto(world.url)
        await _shows(page, "who", "nobody")
        await page.click("#google")
        await _at_provider(page, "ann@example.com")
        await _shows(page, "who", "ann@example.com")
        await _shows(page, "ways", "google")
        assert "access_token" not in page.url
        await page.click("#link")
        await _at_provider(page, "ann.elsewhere@example.com")
        await _shows(page, "ways", "google,gitlab")
        await page.click("#out")
        await _shows(page, "who", "nobody")
        await page.click("#gitlab")  # the provider remembers who this is
        await _shows(page, "who", "ann@example.com")
        assert world.sql("select count(*) from auth.users") == [(1,)]
        await chromium.close()


async def test_the_builders_own_client_signs_in_by_redirect_and_by_popup(tmp_path: Path, tiny_site: Path) -> None:
    (tiny_site / "framed.html").write_text('<!doctype html><iframe src="/" width="900" height="600"></iframe>')
    node_with_packages(FOLDER, *PACKAGES)
    shutil.copy(BUILDERS_CLIENT, tiny_site / "builder.js")
    async with social_world(tmp_path, site=tiny_site) as world, async_playwright() as driver:
        chromium = await driver.chromium.launch(executable_path=_chromium(), args=list(ARGUMENTS))
        page = await (await chromium.new_context()).new_page()
        await page.goto(world.url)
        await page.click("#broker")
        await _at_provider(page, "cleo@example.com")
        await _shows(page, "who", "cleo@example.com")
        await page.click("#out")
        await _shows(page, "who", "nobody")
        await page.wait_for_load_state()  # the buttons of the module work from here on
        await page.click("#lovable")
        await expect(page.locator("#fault")).to_contain_text("works only on Lovable", timeout=PATIENCE_MS)
        page = await (await chromium.new_context()).new_page()
        await page.goto(f"{world.url}/framed.html")
        inside = page.frame_locator("iframe")
        async with page.expect_popup() as opened:
            await inside.locator("#broker").click()
        await _at_provider(await opened.value, "dora@example.com", until_closed=True)
        await expect(inside.locator("#who")).to_have_text("dora@example.com", timeout=PATIENCE_MS)
        await chromium.close()


async def _at_provider(page: "Page", person: str, *, until_closed: bool = False) -> None:
    """Sign in on the provider's own pages and agree there."""
    await page.fill("input[name=login]", person)
    await page.fill("input[name=password]", "any")
    await page.click("button[type=submit]")
    await _agree(page, until_closed=until_closed)


async def _agree(page: "Page", *, until_closed: bool = False) -> None:
    await page.wait_for_selector("button[type=submit]:has-text('Continue')")
    if until_closed:
        async with page.expect_event("close"):
            await page.click("button[type=submit]")
    else:
        await page.click("button[type=submit]")


async def _shows(page: "Page", name: str, text: str) -> None:
    await expect(page.locator(f"#{name}")).to_have_text(text, timeout=PATIENCE_MS)


def _chromium() -> str:
    """Path of the browser; skips the test when there is none."""
    named = os.environ.get("FREEHOLD_CHROMIUM")
    program = named or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on PATH: apt-get install chromium, or set FREEHOLD_CHROMIUM")
    return program
