"""Addresses and keys as placeholders, before the build and after it."""

import base64
import hashlib
from pathlib import Path

import pytest
from lovable_app import ANON, REF

from freehold.core.errors import BadUsage
from freehold.core.inventory import BackendAddress, Inventory
from freehold.releases import output, pages, placeholders
from freehold.releases.placeholders import HOST, KEY, ORIGIN, OldNames

OLD = OldNames(BackendAddress(url=f"https://{REF}.supabase.co", project_ref=REF, publishable_key=ANON))
HERE = {"origin": "http://127.0.0.1:8000", "publishable_key": "sb_publishable_new"}


@pytest.mark.parametrize(
    ("written", "served"),
    [
        (f'"https://{REF}.supabase.co/rest/v1"', '"http://127.0.0.1:8000/rest/v1"'),
        (f"wss://{REF}.supabase.co/realtime", "ws://127.0.0.1:8000/realtime"),
        (f"https://{REF}.functions.supabase.co/ping", "http://127.0.0.1:8000/functions/v1/ping"),
        (f"https://{REF}.storage.supabase.co/storage/v1/x", "http://127.0.0.1:8000/storage/v1/x"),
        ("`https://${import.meta.env.VITE_SUPABASE_PROJECT_ID ?? 'x'}.supabase.co/a`", "`http://127.0.0.1:8000/a`"),
        ("`https://${projectRef}.functions.supabase.co/a`", "`http://127.0.0.1:8000/functions/v1/a`"),
        (f"/^https:\\/\\/{REF}\\.supabase\\.co\\/rest/i", "/^http:\\/\\/127\\.0\\.0\\.1:8000\\/rest/i"),
        (f"https%3A%2F%2F{REF}.supabase.co%2Fauth", "http%3A%2F%2F127.0.0.1%3A8000%2Fauth"),
        (f"https:\\u002F\\u002F{REF}.supabase.co", "http:\\u002F\\u002F127.0.0.1:8000"),
        (f'href="//{REF}.supabase.co"', 'href="//127.0.0.1:8000"'),
        (f'"sb-{REF}-auth-token"', '"sb-127-auth-token"'),
        (f'const id = "{REF}";', 'const id = "127";'),
        (f'key = "{ANON}"', 'key = "sb_publishable_new"'),
        ("`https://${customer.id}.supabase.co`", "`https://${customer.id}.supabase.co`"),
        (f"https://supabase.com/dashboard/project/{REF}", f"https://supabase.com/dashboard/project/{REF}"),
        ("https://zzzzzzzzzzzzzzzzzzzz.supabase.co", "https://zzzzzzzzzzzzzzzzzzzz.supabase.co"),
    ],
)
def test_every_form_of_the_old_address_becomes_the_new_one(written: str, served: str) -> None:
    assert placeholders.fill(OLD.replace(written), **HERE) == served


def test_an_address_on_a_domain_of_its_own_is_replaced_too() -> None:
    old = OldNames(BackendAddress(url="https://api.pots.example", project_ref=REF))
    text = (
        f'"https://api.pots.example/rest" wss://api.pots.example https://api.pots.example.org https://{REF}.supabase.co'
    )
    served = placeholders.fill(old.replace(text), **HERE)
    assert served == (
        '"http://127.0.0.1:8000/rest" ws://127.0.0.1:8000 https://api.pots.example.org http://127.0.0.1:8000'
    )


def test_an_https_origin_keeps_secure_sockets() -> None:
    served = placeholders.fill(f"{ORIGIN} wss://{HOST}/x", origin="https://pots.example.org", publishable_key="k")
    assert served == "https://pots.example.org wss://pots.example.org/x"


def test_one_artifact_serves_two_origins_and_stays_as_it_was(tmp_path: Path) -> None:
    built = tmp_path / "built"
    (built / "assets").mkdir(parents=True)
    (built / "assets/a.js").write_text(f'u="{ORIGIN}";k="{KEY}"')
    (built / "logo.png").write_bytes(b"\x89PNG\0" + ORIGIN.encode())
    before = {path.name: path.read_bytes() for path in built.rglob("*") if path.is_file()}
    for origin in ("http://127.0.0.1:8000", "https://pots.example.org"):
        placeholders.render(built, tmp_path / "served", origin=origin, publishable_key="sb_publishable_x")
        assert (tmp_path / "served/assets/a.js").read_text() == f'u="{origin}";k="sb_publishable_x"'
        assert (tmp_path / "served/logo.png").read_bytes() == before["logo.png"]
    assert {path.name: path.read_bytes() for path in built.rglob("*") if path.is_file()} == before


def _integrity(content: bytes) -> str:
    return "sha384-" + base64.b64encode(hashlib.sha384(content).digest()).decode()


def test_integrity_attributes_and_revisions_follow_what_is_filled_in(tmp_path: Path) -> None:
    built = tmp_path / "built"
    built.mkdir()
    script = f'u="{ORIGIN}"'.encode()
    (built / "a.js").write_bytes(script)
    page = f'<script src="/a.js" integrity="{_integrity(script)}"></script>'.encode()
    (built / "index.html").write_bytes(page)
    revision = hashlib.md5(page, usedforsecurity=False).hexdigest()
    (built / "sw.js").write_text(f'precache([{{url:"index.html",revision:"{revision}"}}])')
    placeholders.render(built, tmp_path / "served", **HERE)
    served = (tmp_path / "served/index.html").read_bytes()
    assert _integrity((tmp_path / "served/a.js").read_bytes()) in served.decode()
    revised = hashlib.md5(served, usedforsecurity=False).hexdigest()
    assert revised in (tmp_path / "served/sw.js").read_text()
    assert (built / "index.html").read_bytes() == page


@pytest.mark.parametrize(
    "origin", ["pots.example.org", "https://x/y", "https://x/", "ftp://x", 'https://x"y', "https://u:p@x"]
)
def test_what_is_no_origin_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(BadUsage):
        placeholders.render(tmp_path, tmp_path / "served", origin=origin, publishable_key="k")


def test_a_key_that_could_end_a_string_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadUsage):
        placeholders.render(tmp_path, tmp_path / "served", origin="https://x", publishable_key='k";alert(1)//')


def test_pages_stop_loading_from_the_builder_and_keep_the_rest() -> None:
    text = (
        '<script src="https://cdn.gpteng.co/gptengineer.js" type="module"></script>\n'
        '<link rel="preconnect" href="https://cdn.gpteng.co">\n<link rel="canonical" href="https://gpteng.co/x">\n'
        '<script type="module" src="/src/main.tsx"></script><script src="https://notgpteng.co/x.js"></script>'
    )
    kept, removed = pages.without_scripts_of(text, ("gpteng.co",))
    assert removed == ("https://cdn.gpteng.co/gptengineer.js", "https://cdn.gpteng.co")
    assert kept.startswith('<link rel="canonical"')
    assert kept.count("<script") == 2


def test_a_policy_that_allowed_every_project_allows_the_apps_own_origin() -> None:
    text = """<meta http-equiv="Content-Security-Policy" content="connect-src https://*.supabase.co wss://*.supabase.co">"""
    served = placeholders.fill(pages.with_own_addresses_allowed(text), **HERE)
    assert "connect-src http://127.0.0.1:8000 ws://127.0.0.1:8000" in served


def test_built_files_lose_packed_copies_and_report_what_still_names_the_builder(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(f'x="https://"+"{REF}."; y="https://docs.lovable.dev/z"; z="notlovable.dev"')
    (tmp_path / "a.js.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "data.gz").write_bytes(b"\x1f\x8b")
    inventory = Inventory(builder="lovable", generation="", backend=OLD.backend, builder_hosts=("lovable.dev",))
    tidy = output.tidy(tmp_path, inventory)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.js", "data.gz"]
    assert {item.what for item in tidy.leftovers} == {REF, "docs.lovable.dev"}
