"""The site serves its release's files and nothing else."""

from pathlib import Path

import pytest
from asgi import ask

from freehold.runtime.site.app import SiteApp

PAGE = {"accept": "text/html,application/xhtml+xml"}


@pytest.fixture
async def site(tmp_path: Path) -> SiteApp:
    root = tmp_path / "site"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<title>app</title>")
    (root / "assets/app-3f9c.js").write_text("run()")
    (root / "robots.txt").write_text("ok")
    (tmp_path / "secret.txt").write_text("secret")
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    app = SiteApp(root)
    await app.start()
    return app


async def test_a_deep_link_is_the_app_itself_and_never_cached(site: SiteApp) -> None:
    answer = await ask(site, "/lists/42", headers=PAGE)
    assert answer.status == 200
    assert answer.body == b"<title>app</title>"
    assert answer.headers["cache-control"] == "no-cache"


async def test_a_hashed_asset_is_cached_for_ever_as_a_script(site: SiteApp) -> None:
    answer = await ask(site, "/assets/app-3f9c.js")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")


async def test_a_missing_asset_is_404_even_for_a_person(site: SiteApp) -> None:
    assert (await ask(site, "/assets/app-old.js", headers=PAGE)).status == 404
    assert (await ask(site, "/missing.json", headers={"accept": "*/*"})).status == 404


async def test_an_unchanged_file_is_not_sent_again(site: SiteApp) -> None:
    first = await ask(site, "/robots.txt")
    assert (await ask(site, "/robots.txt", headers={"if-none-match": first.headers["etag"]})).status == 304


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/link.txt", "/..\\secret.txt"]
)
async def test_no_path_leaves_the_folder(site: SiteApp, path: str) -> None:
    answer = await ask(site, path, headers=PAGE)
    assert b"secret" not in answer.body


async def test_other_methods_are_refused(site: SiteApp) -> None:
    assert (await ask(site, "/", method="POST")).status == 405


async def test_without_a_site_everything_is_404() -> None:
    app = SiteApp(None)
    await app.start()
    assert (await ask(app, "/", headers=PAGE)).status == 404
