"""Builds of apps that a server renders. Their build is a script of their own; what it writes is what tools write."""

import json
import subprocess
from pathlib import Path

import pytest
from build_world import npm_reaches_its_registry
from lovable_app import ANON, FILES, REF, commit, write

from freehold.builders.bolt.read import read as read_bolt
from freehold.builders.lovable.read import read
from freehold.core.app import App
from freehold.core.errors import BuildFailed
from freehold.kit import programs
from freehold.releases import placeholders, server
from freehold.releases.site import build_site
from freehold.releases.site_artifact import SiteArtifact

NITRO = (
    "import fs from 'fs'; const dir = '.output/server/_chunks'; fs.mkdirSync(dir, {recursive: true});\n"
    "fs.mkdirSync('.output/public/assets', {recursive: true});\n"
    "fs.writeFileSync('.output/nitro.json', JSON.stringify({preset: PRESET}));\n"
    "fs.writeFileSync('.output/public/assets/app.js', `go(\"${process.env.VITE_SUPABASE_URL}\")`);\n"
    "fs.writeFileSync(dir + '/a.mjs', `export const url = \"${process.env.VITE_SUPABASE_URL}\";`\n"
    "  + 'export const key = process.env[\"SUPABASE_SERVICE_ROLE_KEY\"]; const mail = env?.RESEND_API_KEY;');\n"
    "fs.writeFileSync('.output/server/index.mjs', 'import \"./_chunks/a.mjs\"');\n"
    "fs.mkdirSync('.output/server/.store/one', {recursive: true});\n"
    "fs.writeFileSync('.output/server/.store/one/index.js', 'one');\n"
    "fs.mkdirSync('.output/server/node_modules'); fs.symlinkSync('../.store/one', '.output/server/node_modules/one');\n"
)
FETCH = (
    "import fs from 'fs'; fs.mkdirSync('dist/server/assets', {recursive: true}); fs.mkdirSync('dist/client');\n"
    "fs.writeFileSync('dist/client/robots.txt', 'robots'); fs.writeFileSync('dist/server/assets/later.js', 'later');\n"
    "fs.mkdirSync('node_modules/used', {recursive: true}); fs.mkdirSync('node_modules/unused');\n"
    "for (const name of ['used', 'unused']) {\n"
    "  fs.writeFileSync(`node_modules/${name}/package.json`, JSON.stringify({name, main: 'index.js'}));\n"
    "  fs.writeFileSync(`node_modules/${name}/index.js`, `module.exports = '${name}';`);\n"
    "}\n"
    "let parts = '';\n"
    "for (let at = 0; at < 1500; at++) {\n"
    "  fs.writeFileSync(`dist/server/assets/a-part-with-a-long-name-${at}.js`, '');\n"
    "  parts += `import './assets/a-part-with-a-long-name-${at}.js';`;\n"
    "}\n"
    "fs.writeFileSync('dist/server/server.js',\n"
    "  parts + 'import used from \"used\"; export default { fetch: () => new Response(used) };');\n"
)


def _app(root: Path, build: str) -> App:
    """A TanStack Start app whose only package is a folder of its own."""
    package = {
        "name": "pots",
        "type": "module",
        "scripts": {"build": "node build.mjs"},
        "dependencies": {"@tanstack/react-start": "file:./start"},
    }
    files: dict[str, str | None] = {
        **{name: None for name in FILES if name != ".env"},
        "package.json": json.dumps(package),
        "start/package.json": json.dumps({"name": "@tanstack/react-start", "version": "1.0.0"}),
        "build.mjs": build,
        "src/server/mail.ts": "export const key = process.env.RESEND_API_KEY + process.env.SUPABASE_URL;\n",
    }
    app = write(root / "pots", files)
    commit(app.root)
    return app


def _build(app: App, folder: Path) -> SiteArtifact:
    return build_site(app, read(app), folder / "artifacts", report=lambda _: None, cache=folder / "cache")


def _server(artifact: SiteArtifact) -> Path:
    assert artifact.server is not None
    return artifact.server


def test_nitro_is_told_to_build_for_node_and_its_server_belongs_to_the_artifact(tmp_path: Path) -> None:
    app = _app(tmp_path, NITRO.replace("PRESET", "process.env.NITRO_PRESET"))
    artifact = _build(app, tmp_path)
    own = json.loads((_server(artifact) / "server.json").read_text())
    assert (own["entry"], own["addons"]) == ("index.mjs", False)
    assert {"SUPABASE_SERVICE_ROLE_KEY", "RESEND_API_KEY"} <= set(own["reads"])
    assert own["environment"]["VITE_SUPABASE_URL"] == placeholders.ORIGIN
    assert (artifact.site / "assets/app.js").is_file()
    assert read(app).secrets == ("RESEND_API_KEY",)
    assert read(app).served


def test_links_between_the_servers_packages_become_files(tmp_path: Path) -> None:
    folder = _server(_build(_app(tmp_path, NITRO.replace("PRESET", "'node-server'")), tmp_path))
    linked = folder / "node_modules/one/index.js"
    assert (linked.read_text(), linked.parent.is_symlink()) == ("one", False)


def test_pages_and_server_are_rendered_for_an_origin(tmp_path: Path) -> None:
    artifact = _build(_app(tmp_path, NITRO.replace("PRESET", "'node-server'")), tmp_path)
    for source in (artifact.site, _server(artifact)):
        target = tmp_path / "served" / source.name
        placeholders.render(source, target, origin="https://pots.example.org", publishable_key="sb_publishable_mine")
        text = "".join(path.read_text() for path in target.rglob("*") if path.is_file())
        assert "https://pots.example.org" in text
        assert not any(name in text for name in ("freehold-origin", REF, ANON))
    settings = server.settings(tmp_path / "served/server")
    assert settings["directory"] == str(tmp_path / "served/server")
    assert settings["environment"] == {
        "VITE_SUPABASE_PROJECT_ID": "pots",
        "VITE_SUPABASE_PUBLISHABLE_KEY": "sb_publishable_mine",
        "VITE_SUPABASE_URL": "https://pots.example.org",
        "VITE_TITLE": "Pots & pans",
    }


def test_a_server_that_can_only_be_built_for_another_place_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="built for cloudflare-module, not for Node") as caught:
        _build(_app(tmp_path, NITRO.replace("PRESET", "'cloudflare-module'")), tmp_path)
    assert "node-server" in caught.value.hint


def test_a_module_that_answers_requests_gets_its_packages_and_a_server_in_front(tmp_path: Path) -> None:
    if not npm_reaches_its_registry():
        pytest.skip("npm does not reach its registry")
    folder = _server(_build(_app(tmp_path, FETCH), tmp_path))
    assert json.loads((folder / "server.json").read_text())["entry"] == server.OWN_ENTRY
    assert (folder / "node_modules/used/index.js").is_file()
    assert not (folder / "node_modules/unused").exists()
    assert (folder / "dist/server/assets/later.js").read_text() == "later", "modules that are loaded later"


NEXT = (
    "import fs from 'fs'; const dir = '.next/standalone/app/.next/server'; fs.mkdirSync(dir, {recursive: true});\n"
    "if (!process.env.NEXT_PRIVATE_STANDALONE) process.exit(1);\n"
    "fs.writeFileSync('.next/standalone/app/server.js', 'listen');\n"
    "fs.mkdirSync('.next/standalone/node_modules/other/.next', {recursive: true});\n"
    "fs.writeFileSync('.next/standalone/node_modules/other/server.js', 'not the entry');\n"
    "fs.writeFileSync(dir + '/page.js', `go(\"${process.env.NEXT_PUBLIC_SUPABASE_URL}\")`);\n"
    "fs.mkdirSync('.next/static/chunks', {recursive: true}); fs.writeFileSync('.next/static/chunks/a.js', 'chunk');\n"
)


def test_a_next_app_is_built_whole_with_its_public_files_beside_the_program(tmp_path: Path) -> None:
    package = {"name": "pots", "type": "module", "scripts": {"build": "node build.mjs # next build"}}
    own = {"dependencies": {"next": "file:./next"}}
    files: dict[str, str | None] = {
        **dict.fromkeys(FILES),
        "package.json": json.dumps(package | own),
        "next/package.json": json.dumps({"name": "next", "version": "1.0.0"}),
        "build.mjs": NEXT,
        "public/robots.txt": "robots",
        "src/lib/supabase.ts": "createClient(process.env.NEXT_PUBLIC_SUPABASE_URL!);\n",
        ".env": f'NEXT_PUBLIC_SUPABASE_URL="https://{REF}.supabase.co"\n',
    }
    app = write(tmp_path / "pots", files)
    commit(app.root)
    artifact = build_site(app, read_bolt(app), tmp_path / "artifacts", report=lambda _: None, cache=tmp_path / "cache")
    folder = _server(artifact)
    assert json.loads((folder / "server.json").read_text())["entry"] == "app/server.js"
    assert (folder / "app/.next/server/page.js").read_text() == f'go("{placeholders.ORIGIN}")'
    assert (folder / "app/public/robots.txt").read_text() == "robots"
    assert (artifact.site / "robots.txt").read_text() == "robots"
    assert (artifact.site / "_next/static/chunks/a.js").read_text() == "chunk"


def test_a_build_that_ends_without_a_server_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="wrote no page") as caught:
        _build(_app(tmp_path, "console.log('done');\n"), tmp_path)
    assert ".output/server/index.mjs" in caught.value.detail


def test_packages_that_pnpm_keeps_behind_links_are_found_without_them(tmp_path: Path) -> None:
    """Next's standalone output with pnpm: `next` is a link, and what it needs lies beside its target."""
    built, kept = tmp_path / "built", "node_modules/.pnpm/next@14.2.16_react@18.0.0/node_modules"
    for name, code in {
        "next": "module.exports = require('styled-jsx') + require('@swc/helpers')",
        "styled-jsx": "module.exports = 'styled '",
        "@swc/helpers": "module.exports = 'helped'",
    }.items():
        (built / kept / name).mkdir(parents=True)
        (built / kept / name / "index.js").write_text(code)
    (built / "node_modules/next").symlink_to(f"../{kept}/next")
    (built / "server.js").write_text("console.log(require('next'))")
    server.store(server.Program(folder=built, entry="server.js"), tmp_path / "parcel", {})
    said = subprocess.run(
        [programs.node().node, "server.js"], cwd=tmp_path / "parcel/server", capture_output=True, text=True, check=True
    )
    assert said.stdout == "styled helped\n"
