"""What each kind of front end is built with, and where its build leaves pages and server."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from freehold.core.errors import BuildFailed
from freehold.core.inventory import Frontend
from freehold.kit import files, json_text
from freehold.releases import server
from freehold.releases.server import Program

_NODE = frozenset({"node-server", "node_server", "node", "nodeServer"})


@dataclass(frozen=True, kw_only=True)
class Built:
    """What a build wrote. Without a `server` the pages are files alone."""

    pages: Path
    server: Program | None = None


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Where a build took place."""

    folder: Path
    """The front end in its scratch copy."""
    frontend: Frontend
    environment: Mapping[str, str]
    log: Path


def build_environment(frontend: Frontend) -> dict[str, str]:
    """Give the variables that turn a build's output to Node and files, whatever it makes by itself."""
    return {
        "tanstack-start": {"NITRO_PRESET": "node-server", "SERVER_PRESET": "node-server"},
        "next": {"NEXT_PRIVATE_STANDALONE": "true", "NEXT_TELEMETRY_DISABLED": "1"},
        "expo": {"EXPO_NO_TELEMETRY": "1", "EXPO_OFFLINE": "1", "CI": "1"},
        "create-react-app": {"CI": "false", "DISABLE_ESLINT_PLUGIN": "true", "GENERATE_SOURCEMAP": "false"},
    }.get(frontend.framework, {})


def find(scene: Scene) -> Built:
    """Find what the build wrote. Raises BuildFailed when it is not what a release needs."""
    look = _LOOKS.get(scene.frontend.framework, _static) if scene.frontend.server else _static
    return look(scene)


def _static(scene: Scene) -> Built:
    """Pages as files: the named folder, else one that Expo and others choose for pages alone."""
    output = scene.folder / scene.frontend.output
    for pages in (output, output / "client"):
        if (pages / "index.html").is_file():
            return Built(pages=pages)
    raise _nothing(scene, f"{scene.frontend.output}/index.html", "check build.outDir in the Vite config")


def _tanstack(scene: Scene) -> Built:
    return _nitro(scene) or _fetch_handler(scene) or _prerendered(scene)


def _nitro(scene: Scene) -> Built | None:
    output = scene.folder / ".output"
    entry = output / "server/index.mjs"
    if not entry.is_file():
        return None
    preset = _preset(output)
    if preset and preset not in _NODE:
        raise BuildFailed(
            f"the app's server was built for {preset}, not for Node",
            detail="its Vite config names that preset itself, and does not let NITRO_PRESET change it",
            hint='take the preset out of the Vite config, or set it to "node-server"; then run the same command again',
        )
    return Built(pages=output / "public", server=Program(folder=output / "server", entry="index.mjs"))


def _fetch_handler(scene: Scene) -> Built | None:
    """TanStack Start without Nitro, or with a plugin for another place: a module that answers Requests."""
    for module in ("dist/server/server.js", "dist/server/server.mjs", "dist/server/index.js", "dist/server/index.mjs"):
        if (scene.folder / module).is_file() and (scene.folder / "dist/client").is_dir():
            program = server.with_packages(scene.folder, module, environment=scene.environment, log=scene.log)
            return Built(pages=scene.folder / "dist/client", server=program)
    return None


def _prerendered(scene: Scene) -> Built:
    for pages in (scene.folder / ".output/public", scene.folder / "dist/client", scene.folder / "dist"):
        if (pages / "index.html").is_file():
            return Built(pages=pages)
    raise _nothing(scene, ".output/server/index.mjs or dist/server/server.js", "check the build script of package.json")


def _next(scene: Scene) -> Built:
    """Next's standalone output: a program with the packages that it loads; pages and public files lie beside it."""
    standalone = scene.folder / ".next/standalone"
    entry = next((path for path in sorted(standalone.rglob("server.js")) if _is_entry(path, standalone)), None)
    if entry is None:
        raise _nothing(scene, ".next/standalone/server.js", "check the build script of package.json")
    pages = scene.folder / ".freehold-pages"
    files.remove_tree(pages)
    pages.mkdir()
    public, static = scene.folder / "public", scene.folder / ".next/static"
    if public.is_dir():
        shutil.copytree(public, pages, dirs_exist_ok=True)
        shutil.copytree(public, entry.parent / "public", dirs_exist_ok=True)  # the image optimizer reads them there
    if static.is_dir():
        shutil.copytree(static, pages / "_next/static")
    return Built(pages=pages, server=Program(folder=standalone, entry=entry.relative_to(standalone).as_posix()))


def _is_entry(path: Path, standalone: Path) -> bool:
    return "node_modules" not in path.relative_to(standalone).parts and (path.parent / ".next").is_dir()


_LOOKS: Mapping[str, Callable[[Scene], Built]] = {"tanstack-start": _tanstack, "next": _next}


def _preset(output: Path) -> str:
    try:
        return str(json_text.read((output / "nitro.json").read_text()).get("preset", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _nothing(scene: Scene, expected: str, hint: str) -> BuildFailed:
    return BuildFailed(
        "the build ended well but wrote no page",
        detail=f"expected {expected}\nthe whole log: {scene.log}",
        hint=hint,
    )
