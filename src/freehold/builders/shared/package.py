"""package.json and lock files."""

import posixpath
import re
from dataclasses import dataclass

from freehold.builders.shared import jsonc
from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.code import without_comments
from freehold.kit import json_text

FRONTEND_FOLDERS = ("", "frontend", "client", "web", "app")
_MANAGERS = ("npm", "bun", "pnpm", "yarn")
_UNREADABLE = 1_000_000
_OUT_DIR = re.compile(
    r"""\boutDir\s*:\s*(?:path\.(?:resolve|join)\(\s*(?:__dirname|import\.meta\.dirname|process\.cwd\(\))\s*,\s*)?"""
    r"""["'`]((?!\.\.["'`])[\w./-]+)["'`](?!\s*,\s*["'`])"""
)
_LOCKS = (
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
    ("bun.lock", "bun"),
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lockb", "bun"),
)


@dataclass(frozen=True, kw_only=True)
class Package:
    """One package.json; `folder` is "" for the app's root."""

    folder: str
    name: str
    dependencies: dict[str, str]
    """dependencies and devDependencies together: wanted versions by name."""
    scripts: dict[str, str]
    manager: str
    """The packageManager field without its version, "" when it is not set."""

    @property
    def path(self) -> str:
        """The package.json itself."""
        return join(self.folder, "package.json")


def packages(checkout: Checkout) -> tuple[Package, ...]:
    """Read the package.json of each folder where builders put a front end; broken ones are left out."""
    found = (read(checkout, folder) for folder in FRONTEND_FOLDERS if join(folder, "package.json") in checkout.known)
    return tuple(package for package in found if package is not None)


def read(checkout: Checkout, folder: str) -> Package | None:
    """Read one package.json; None when it is no JSON object."""
    try:
        raw = json_text.read(checkout.text(join(folder, "package.json")))
    except ValueError:
        return None
    if not isinstance(raw, dict):
        return None
    return Package(
        folder=folder,
        name=str(raw.get("name", "")),
        dependencies={**_texts(raw.get("devDependencies")), **_texts(raw.get("dependencies"))},
        scripts=_texts(raw.get("scripts")),
        manager=str(raw.get("packageManager", "")).partition("@")[0],
    )


def lock_of(checkout: Checkout, package: Package) -> tuple[str, str]:
    """Give the package manager and the lock file's path ("" when there is none).

    Builders leave several lock files and keep one of them in step: the one that differs from package.json in the fewest
    dependencies is used, npm's first among equals, because npm comes with Node. The packageManager field decides where
    it is set.
    """
    present = [(join(package.folder, name), manager) for name, manager in _LOCKS]
    present = [(path, manager) for path, manager in present if path in checkout.known]
    if package.manager in _MANAGERS:
        present = [(path, manager) for path, manager in present if manager == package.manager]
        if not present:
            return package.manager, ""
    if not present:
        return "npm", ""
    path, manager = min(present, key=lambda lock: _differences(checkout, lock[0], package))
    return manager, path


def _differences(checkout: Checkout, path: str, package: Package) -> int:
    """Count the dependencies that a lock file has otherwise.

    Forms that are not read here are taken to fit, and bun.lockb, which keeps every name as it is written, to fit in the
    names that it has.
    """
    if path.endswith("bun.lockb"):
        content = checkout.content(path)
        return sum(name.encode() not in content for name in package.dependencies)
    if path.endswith((".yaml", "yarn.lock")):
        return 0
    wanted = _locked(checkout.text(path), path)
    if wanted is None:
        return _UNREADABLE
    names = wanted.keys() | package.dependencies.keys()
    return sum(wanted.get(name) != package.dependencies.get(name) for name in names)


def _locked(text: str, path: str) -> dict[str, str] | None:
    """Give the versions that package.json named when a lock file was written; None when that cannot be read."""
    try:
        if path.endswith(".json"):
            root = json_text.read(text)["packages"][""]
        else:
            root = jsonc.table((jsonc.read(text) or {}).get("workspaces"))[""]
        return _texts(root.get("devDependencies")) | _texts(root.get("dependencies"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def vite_output(checkout: Checkout, package: Package) -> str:
    """Give the folder that `vite build` writes, relative to the package: build.outDir as a plain text, else dist."""
    for name in ("vite.config.ts", "vite.config.js", "vite.config.mjs", "vite.config.mts"):
        match = _OUT_DIR.search(without_comments(checkout.text(join(package.folder, name))))
        if match:
            return posixpath.normpath(match[1])
    return "dist"


def join(folder: str, name: str) -> str:
    """Join two relative paths, the first of which may be the root."""
    return f"{folder}/{name}" if folder else name


def _texts(value: object) -> dict[str, str]:
    return {str(key): item for key, item in value.items() if isinstance(item, str)} if isinstance(value, dict) else {}
