"""The copy of an app in which it is built: the owner's own folder is read, never written."""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from freehold.core.app import App
from freehold.core.inventory import BackendAddress, Frontend, Inventory
from freehold.kit import dotenv, git
from freehold.kit.files import list_files
from freehold.releases import pages, placeholders

LEFT_OUT = frozenset({"node_modules", ".git", ".hg", ".svn"})
ENVIRONMENT_FILES = (".env", ".env.local", ".env.production", ".env.production.local")
"""In the order in which Vite reads them for production: a later one wins."""
REWRITTEN = frozenset(
    {
        *(".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte"),
        *(".html", ".css", ".json", ".webmanifest", ".txt", ".xml", ".svg", ".md", ".mdx"),
    }
)
_LOCKS = frozenset({"package-lock.json", "npm-shrinkwrap.json", "bun.lock", "pnpm-lock.yaml", "yarn.lock"})
_OWN_SERVER = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0):8000(?!\d)")
"""Where Django listens while an app is made: pages that name it mean the app's own server."""
_LARGEST_TEXT_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Scratch:
    """A filled scratch folder."""

    root: Path
    """The copy of the app's root; the front end is below it."""
    environment: dict[str, str]
    """The app's own baked-in names, addresses and keys already placeholders."""
    removed_scripts: tuple[str, ...] = ()
    """Addresses of the builder's scripts that were taken out of pages."""
    left_out: tuple[str, ...] = field(default=())
    """Links that lead out of the app's folder."""


def sources(app: App) -> tuple[str, ...]:
    """List what is copied: tracked files and untracked ones that are not ignored; without git all but modules."""
    listed = git.files(app.root) if git.is_repository(app.root) else ()
    present = tuple(
        name for name in listed if (app.root / name).is_file() and not LEFT_OUT.intersection(name.split("/"))
    )
    return present or list_files(app.root, LEFT_OUT)


def environment(app: App, frontend: Frontend, backend: BackendAddress | None) -> dict[str, str]:
    """Give the values that are baked into the built files; a .env file counts even when git ignores it."""
    folders = dict.fromkeys((app.root, app.root / frontend.root))
    values: dict[str, str] = {}
    for path in (folder / name for folder in folders for name in ENVIRONMENT_FILES):
        if path.is_file() and path.resolve().is_relative_to(app.root.resolve()):
            values |= dotenv.parse(path.read_text(encoding="utf-8-sig", errors="replace"))
    baked = {name: value for name, value in values.items() if name.startswith(frontend.environment_prefixes)}
    if backend is None:
        return dict(sorted(baked.items()))
    replace = placeholders.OldNames(backend).replace
    baked = {name: replace(value) for name, value in baked.items()}
    baked |= backend.build_values
    baked |= dict.fromkeys(backend.url_names, placeholders.ORIGIN)
    baked |= dict.fromkeys(backend.key_names, placeholders.KEY)
    baked |= dict.fromkeys(backend.ref_names, placeholders.REF)
    return dict(sorted(baked.items()))


def fill(app: App, inventory: Inventory, frontend: Frontend, root: Path) -> Scratch:
    """Copy the app into `root` with placeholders for its back end.

    One .env file takes the place of all, and pages lose the scripts that they load from the builder.
    """
    backend = inventory.backend
    values = {name: _at_home(value, inventory) for name, value in environment(app, frontend, backend).items()}
    old = placeholders.OldNames(backend) if backend else None
    removed: set[str] = set()
    left_out = []
    for name in sources(app):
        source, target = app.root / name, root / name
        if not source.resolve().is_relative_to(app.root.resolve()):
            left_out.append(name)
        elif not _is_environment_file(name):
            target.parent.mkdir(parents=True, exist_ok=True)
            removed |= _copy(source, target, old, inventory)
    lines = "".join(dotenv.format_line(name, value) for name, value in values.items())
    (root / frontend.root / ".env").write_text(lines, encoding="utf-8")
    return Scratch(root=root, environment=values, removed_scripts=tuple(sorted(removed)), left_out=tuple(left_out))


def _copy(source: Path, target: Path, old: placeholders.OldNames | None, inventory: Inventory) -> set[str]:
    content = source.read_bytes()
    small = len(content) <= _LARGEST_TEXT_BYTES and placeholders.is_text(content)
    if small and source.name in _LOCKS:
        target.write_text(_without_mirrors(source.name, content.decode(), inventory.package_mirrors), encoding="utf-8")
        return set()
    if not small or source.suffix.lower() not in REWRITTEN:
        shutil.copyfile(source, target)
        shutil.copymode(source, target)
        return set()
    text = _at_home(content.decode(), inventory)
    removed: tuple[str, ...] = ()
    if source.suffix.lower() == ".html":
        text, removed = pages.without_scripts_of(text, inventory.builder_hosts)
        text = pages.with_own_addresses_allowed(text)
    replaced = old.replace(text) if old else text
    target.write_bytes(replaced.encode())
    shutil.copymode(source, target)
    return set(removed)


def _at_home(text: str, inventory: Inventory) -> str:
    """Where a server of the app's own is started, what pages ask it for is asked of the app's own address."""
    return text if inventory.started_server is None else _OWN_SERVER.sub(placeholders.ORIGIN, text)


def _without_mirrors(name: str, text: str, mirrors: tuple[str, ...]) -> str:
    """Let packages that a lock file takes from the builder's cache come from the registry: their digests stay."""
    if not any(mirror in text for mirror in mirrors):
        return text
    address = rf"https?://(?:{'|'.join(re.escape(mirror) for mirror in mirrors)})/"
    if name.endswith(".json"):
        text = re.sub(rf'^\s*"resolved": "{address}[^"]*",?\n', "", text, flags=re.MULTILINE)
        return re.sub(r",(\s*\n\s*\})", r"\1", text)
    if name == "bun.lock":
        return re.sub(rf'"{address}[^"]*"', '""', text)
    text = re.sub(rf'^\s*resolved "{address}[^"]*"\n', "", text, flags=re.MULTILINE)
    return re.sub(rf",\s*tarball: {address}[^\s}}]*", "", text)


def _is_environment_file(name: str) -> bool:
    last = name.rsplit("/", 1)[-1]
    return last == ".env" or last.startswith(".env.")
