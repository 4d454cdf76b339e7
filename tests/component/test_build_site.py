"""A real app, built by its own tools: Vite, React, npm."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from build_world import install_script_package, npm_reaches_its_registry, status
from lovable_app import ANON, REF, commit, write
from small_apps import BOLT
from small_apps import write as write_small

from freehold.builders.bolt.read import read as read_bolt
from freehold.builders.lovable.read import read
from freehold.core.app import App
from freehold.core.event import Event
from freehold.kit import programs
from freehold.releases import placeholders
from freehold.releases.site import build_site
from freehold.releases.site_artifact import SiteArtifact

CLIENT = (
    "const key = import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY;\n"
    "export const supabase = { url: import.meta.env.VITE_SUPABASE_URL, key };\n"
)
MAIN = (
    'import { createRoot } from "react-dom/client";\nimport { supabase } from "./integrations/supabase/client";\n'
    'import { word } from "scripted";\n'
    f'const hook = "https://{REF}.supabase.co/functions/v1/ping";\n'
    "const page = <p title={supabase.url + supabase.key + hook}>{word + import.meta.env.VITE_TITLE}</p>;\n"
    'createRoot(document.getElementById("root")!).render(page);\n'
)
INDEX = (
    f'<html><head><link rel="preconnect" href="https://{REF}.supabase.co">'
    '<script src="https://cdn.gpteng.co/gptengineer.js" type="module"></script></head>'
    '<body><div id="root"></div><script type="module" src="/src/main.tsx"></script></body></html>\n'
)
PACKAGE = {
    "name": "vite_react_shadcn_ts",
    "type": "module",
    "scripts": {"build": "vite build"},
    "dependencies": {"react": "18.3.1", "react-dom": "18.3.1", "scripted": "file:./scripted.tgz"},
    "devDependencies": {"vite": "5.4.21"},
    "trustedDependencies": ["scripted"],
    "overrides": {"rollup": "4.65.0", "esbuild": "0.25.12"},
}


@dataclass
class World:
    """An app in git, and where it is built."""

    app: App
    folder: Path
    events: list[Event] = field(default_factory=list)

    def build(self, cache: str = "cache") -> SiteArtifact:
        """Build, and note what is said."""
        self.events.clear()
        artifacts, kept = self.folder / "artifacts", self.folder / cache
        return build_site(self.app, read(self.app), artifacts, report=self.events.append, cache=kept)

    def said(self) -> str:
        """Everything that was said."""
        return "\n".join(event.text for event in self.events)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The app with its lock file, built by nobody yet."""
    if not npm_reaches_its_registry():
        pytest.skip("npm does not reach its registry")
    folder = tmp_path_factory.mktemp("build")
    app = write(
        folder / "pots",
        {
            "package.json": json.dumps(PACKAGE),
            "vite.config.ts": "export default { esbuild: { jsx: 'automatic' } };\n",
            "index.html": INDEX,
            "src/main.tsx": MAIN,
            "src/App.tsx": None,
            "src/integrations/supabase/client.ts": CLIENT,
            ".gitignore": "node_modules\ndist\n.env\n",
        },
    )
    install_script_package(app.root / "scripted.tgz")
    node = programs.node()
    subprocess.run(
        [*node.npm, "install", "--package-lock-only", "--no-audit", "--no-fund"],
        cwd=app.root,
        env={**os.environ, "PATH": node.search_path()},
        check=True,
        capture_output=True,
    )
    commit(app.root)
    (app.root / "node_modules/never").mkdir(parents=True)
    yield World(app, folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def built(world: World) -> tuple[SiteArtifact, str]:
    """The first build, and what it said."""
    artifact = world.build()
    return artifact, world.said()


def _text(folder: Path) -> str:
    return "\n".join(path.read_text(errors="replace") for path in sorted(folder.rglob("*")) if path.is_file())


def test_the_site_is_built_with_placeholders_and_without_the_builder(built: tuple[SiteArtifact, str]) -> None:
    artifact, said = built
    text = _text(artifact.site)
    assert not artifact.warm
    assert placeholders.ORIGIN + "/functions/v1/ping" in text
    assert placeholders.KEY in text
    assert REF not in text
    assert ANON not in text
    assert "gpteng" not in text
    assert artifact.removed_scripts == ("https://cdn.gpteng.co/gptengineer.js",)
    assert artifact.leftovers == ()
    assert "no longer load https://cdn.gpteng.co" in said


def test_the_apps_own_values_are_baked_in_and_the_servers_are_not(built: tuple[SiteArtifact, str]) -> None:
    text = _text(built[0].site)
    assert "Pots & pans" in text
    assert "not for the build" not in text


def test_a_package_that_needs_its_install_script_works(built: tuple[SiteArtifact, str]) -> None:
    assert "written at install" in _text(built[0].site)


def test_progress_is_told_line_by_line(built: tuple[SiteArtifact, str]) -> None:
    _, said = built
    for words in ("Install packages with npm", "Build the site", "modules transformed"):
        assert words in said
    assert "\x1b" not in said


def test_the_owners_folder_is_as_it_was(world: World, built: tuple[SiteArtifact, str]) -> None:
    assert built
    assert status(world.app.root) == ""
    assert [path.name for path in (world.app.root / "node_modules").iterdir()] == ["never"]
    assert not (world.app.root / "dist").exists()
    assert not (world.folder / "cache/scratch").exists()


def test_one_artifact_serves_any_origin(built: tuple[SiteArtifact, str], tmp_path: Path) -> None:
    site = built[0].site
    for origin in ("http://127.0.0.1:8000", "https://pots.example.org"):
        placeholders.render(site, tmp_path / "site", origin=origin, publishable_key="sb_publishable_mine")
        text = _text(tmp_path / "site")
        assert f"{origin}/functions/v1/ping" in text
        assert "sb_publishable_mine" in text
        assert "freehold-origin" not in text
        assert "PLACEHOLDER" not in text


def test_nothing_is_built_again_when_nothing_has_changed(world: World, built: tuple[SiteArtifact, str]) -> None:
    again = world.build()
    assert again.warm
    assert (again.digest, again.build_key, again.removed_scripts) == (
        built[0].digest,
        built[0].build_key,
        built[0].removed_scripts,
    )
    assert "Build the site" not in world.said()


def test_a_damaged_artifact_is_built_again_from_the_kept_packages(
    world: World, built: tuple[SiteArtifact, str]
) -> None:
    page = built[0].site / "index.html"
    page.chmod(0o644)
    page.write_text("damaged")
    again = world.build()
    assert not again.warm
    assert again.digest == built[0].digest, "the same input gives the same digest"
    assert "The packages of the last build fit" in world.said()
    assert "damaged" not in _text(again.site)


def test_a_change_gives_another_artifact_beside_the_first(world: World, built: tuple[SiteArtifact, str]) -> None:
    main = world.app.root / "src/main.tsx"
    main.write_text(MAIN.replace("<p ", "<main ").replace("</p>", "</main>"))
    try:
        other = world.build()
    finally:
        main.write_text(MAIN)
    assert not other.warm
    assert other.digest != built[0].digest
    assert built[0].site.is_dir()


def test_type_errors_stop_no_build_that_the_bundler_finishes(tmp_path: Path) -> None:
    if not npm_reaches_its_registry():
        pytest.skip("npm does not reach its registry here")
    package = json.loads(BOLT["package.json"])
    package["scripts"] = {"build": "echo \"src/unused.ts(1,7): error TS1005: ';' expected.\" && exit 2"}
    app = write_small(tmp_path / "app", BOLT | {"package.json": json.dumps(package)})
    events: list[Event] = []
    built = build_site(app, read_bolt(app), tmp_path / "out", report=events.append, cache=tmp_path / "cache")
    assert (built.directory / "site/index.html").is_file()
    assert any("type errors" in event.text for event in events if event.name == "warning")
