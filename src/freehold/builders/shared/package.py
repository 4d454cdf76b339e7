"""package.json and lock files."""

import json
import posixpath
import re
from dataclasses import dataclass

from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.code import without_comments

FRONTEND_FOLDERS = ("", "frontend", "client", "web", "app")
_MANAGERS = ("npm", "bun", "pnpm", "yarn")
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
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
        raw = json.loads(checkout.text(join(folder, "package.json")))
    except (ValueError, RecursionError):
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

    Builders leave several lock files and keep one of them in step: of those that fit package.json npm's goes first,
    because npm comes with Node. The packageManager field decides where it is set.
    """
    present = [(join(package.folder, name), manager) for name, manager in _LOCKS]
    present = [(path, manager) for path, manager in present if path in checkout.known]
    if package.manager in _MANAGERS:
        present = [(path, manager) for path, manager in present if manager == package.manager]
        if not present:
            return package.manager, ""
    if not present:
        return "npm", ""
    path, manager = next((lock for lock in present if _fits(checkout.text(lock[0]), lock[0], package)), present[0])
    return manager, path


def _fits(text: str, path: str, package: Package) -> bool:
    """Say whether a lock file was written for these dependencies; forms that cannot be read are taken to fit."""
    try:
        if path.endswith(".json"):
            root = json.loads(text)["packages"][""]
        elif path.endswith("bun.lock"):
            root = json.loads(_TRAILING_COMMA.sub(r"\1", text))["workspaces"][""]
        else:
            return True
    except (ValueError, KeyError, TypeError):
        return False
    wanted = {**_texts(root.get("devDependencies")), **_texts(root.get("dependencies"))}
    return wanted == package.dependencies


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
