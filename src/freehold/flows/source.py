"""Open what an owner names: a folder, a git address or a zip."""

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from freehold.builders.shared.checkout import IGNORED_FOLDERS
from freehold.builders.shared.package import FRONTEND_FOLDERS
from freehold.core.app import App
from freehold.core.errors import NotAnApp
from freehold.kit import archive, git
from freehold.kit.own_folder import own_folder

_SHOWN = 8


def open_source(text: str, workdir: Path) -> App:
    """Give the app that stands in a folder, behind a git address or in a zip.

    A folder is used where it is and never written to. Clones and unpacked zips go to a folder in `workdir`/source that
    stays as it is until this process ends, whoever opens the same meanwhile. Raises NotAnApp, BadArchive or
    SourceUnreachable.
    """
    sources = workdir / "source"
    if git.is_address(text):
        app = _clone(text, sources)
    else:
        path = Path(text).expanduser()
        app = _unpack(path, sources) if path.is_file() else _folder(path)
    return _with_package(app)


def name_of(text: str) -> str:
    """Make a short name of lower-case letters, digits and dashes out of the last part of a path or address."""
    last = re.split(r"[/\\:]", git.redact(text).rstrip("/\\"))[-1]
    plain = re.sub(r"\.(git|zip)$", "", last, flags=re.IGNORECASE).lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "app"


def _clone(address: str, sources: Path) -> App:
    shown = git.redact(address) if urlsplit(address).scheme in ("http", "https") else address
    name = name_of(address)
    with own_folder(sources, name) as folder:
        git.clone(address, folder)
    return App(root=folder, origin=shown, name=name)


def _unpack(path: Path, sources: Path) -> App:
    name = name_of(path.name)
    with own_folder(sources, name) as folder:
        root = archive.unpack(path, folder)
    return App(root=root, origin=str(path), name=name)


def _folder(path: Path) -> App:
    if not path.is_dir():
        raise NotAnApp(f"{path} does not exist", hint="give a folder, a git address or a zip")
    root = path.resolve()
    return App(root=root, origin=str(path), name=name_of(root.name))


def _with_package(app: App) -> App:
    """Give the app, or what stands in the one folder below that holds an app: Bolt's zips have it in `project`."""
    looked = [Path(folder, "package.json") for folder in FRONTEND_FOLDERS]
    if any((app.root / path).is_file() for path in looked):
        return app
    inner = _folders_with_package(app.root)
    if len(inner) == 1:
        return replace(app, root=inner[0])
    detail = f"looked for {', '.join(str(path) for path in looked)}; found: {_content(app.root)}"
    hint = f"give the app's own folder: {inner[0]}" if inner else "give the folder that holds the app's package.json"
    raise NotAnApp(f"{app.origin} holds no app", detail=detail, hint=hint)


def _folders_with_package(root: Path) -> list[Path]:
    """Find the folders of `root` that hold a package.json; links lead nowhere."""
    found = [path.parent for path in sorted(root.glob("*/package.json")) if path.is_file()]
    return [
        folder
        for folder in found
        if folder.name not in IGNORED_FOLDERS
        and not folder.name.startswith(".")
        and folder.resolve().is_relative_to(root.resolve())
    ]


def _content(root: Path) -> str:
    names = sorted(path.name + ("/" if path.is_dir() else "") for path in root.iterdir())
    shown = ", ".join(names[:_SHOWN])
    return (shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")) or "nothing"
