"""Servers of the app's own, beside or instead of the builder's back end."""

import re
import shlex
from collections.abc import Iterable

from freehold.builders.shared import django, python
from freehold.builders.shared.checkout import CODE_SUFFIXES, Checkout
from freehold.builders.shared.package import Package, join, read
from freehold.core.inventory import AppServer

_FOLDERS = ("", "server", "backend", "api")
_NODE = ("express", "fastify", "@hono/node-server", "koa", "@nestjs/core")
_NODE_ENTRIES = tuple(
    f"{folder}{name}.{suffix}"
    for folder in ("", "src/", "server/", "server/src/", "backend/", "backend/src/", "api/")
    for name in ("index", "server", "main", "app")
    for suffix in ("ts", "js", "mjs", "cjs")
)
_PYTHON = ("fastapi", "django", "flask")
_PYTHON_ENTRIES = ("server.py", "main.py", "app/main.py", "app.py", "manage.py")
_SETS = re.compile(r"\b(?!(?:NODE_ENV|NODE_OPTIONS|PORT|HOST)=)([A-Z_][A-Z0-9_]*)=(?:\"[^\"]*\"|'[^']*'|[^\s]+)")
_NODE_ROUTE = re.compile(
    r"""\b\w*(?:app|router|server|route|api)\w*\.(?:get|post|put|patch|delete)\s*\(\s*["'`]/""", re.IGNORECASE
)
_PYTHON_ROUTE = re.compile(r"""^\s*@\w+(?:\.\w+)?\.(?:get|post|put|patch|delete|websocket|route)\s*\(""", re.MULTILINE)
_DJANGO_ROUTE = re.compile(r"(?<![\w.])(?:re_)?path\s*\(")


def servers(checkout: Checkout, packages: tuple[Package, ...]) -> tuple[AppServer, ...]:
    """List the servers that the app's packages and requirements name and whose entry file is there."""
    beside = tuple(
        package
        for folder in _FOLDERS
        if folder not in {item.folder for item in packages}
        and join(folder, "package.json") in checkout.known
        and (package := read(checkout, folder)) is not None
    )
    found = [server for package in (*packages, *beside) if (server := node_server(checkout, package))]
    return (*found, *python_servers(checkout))


def node_server(checkout: Checkout, package: Package) -> AppServer | None:
    """Give the Node server of a package: its framework is a dependency and some file starts it; else None."""
    framework = next((name for name in _NODE if name in package.dependencies), "")
    inside = (join(package.folder, name) for name in _NODE_ENTRIES)
    entry = next((path for path in inside if path in checkout.known and _listens(checkout.text(path))), "")
    if not framework or not entry:
        return None
    folder = package.folder or entry.rpartition("/")[0].removesuffix("/src")
    code = checkout.below(folder, suffixes=CODE_SUFFIXES)
    return AppServer(
        framework=framework,
        root=package.folder,
        entry=entry,
        runtime="node",
        build_command=_script("build", package),
        start_command=_script("start", package),
        routes=sum(len(_NODE_ROUTE.findall(checkout.text(path))) for path in code),
    )


def python_servers(checkout: Checkout) -> tuple[AppServer, ...]:
    """List the Python servers, one a requirements file."""
    required = python.requirements(checkout)
    found = []
    for framework in _PYTHON:
        if framework in required:
            folder = python.folder_of(required[framework].path)
            project = django.project(checkout, folder) if framework == "django" else None
            if project is not None:
                found.append(_django_server(checkout, project, required[framework].path))
                continue
            entry = next((path for name in _PYTHON_ENTRIES if (path := join(folder, name)) in checkout.known), "")
            found.append(_python_server(checkout, framework, folder, entry))
    stray = django.project(checkout, "") if "django" not in required else None
    return (*found, *((_django_server(checkout, stray, ""),) if stray is not None else ()))


def _django_server(checkout: Checkout, project: django.Project, requirements: str) -> AppServer:
    return AppServer(
        framework="django",
        root=project.folder,
        entry=join(project.folder, "manage.py"),
        runtime="python",
        routes=_routes(checkout, "django", project.folder),
        requirements=requirements,
        settings=project.settings,
        application=project.application if requirements else "",
        paths=project.paths if requirements else (),
    )


def _python_server(checkout: Checkout, framework: str, folder: str, entry: str) -> AppServer:
    module = entry.removeprefix(f"{folder}/" if folder else "").removesuffix(".py").replace("/", ".")
    start = ("uvicorn", f"{module}:app") if framework == "fastapi" and module else ()
    return AppServer(
        framework=framework,
        root=folder,
        entry=entry,
        runtime="python",
        start_command=start,
        routes=_routes(checkout, framework, folder),
    )


def _routes(checkout: Checkout, framework: str, folder: str) -> int:
    if framework != "django":
        return sum(len(_PYTHON_ROUTE.findall(checkout.text(path))) for path in python.files(checkout, folder))
    urls = (path for path in python.files(checkout, folder) if path.endswith("urls.py"))
    return sum(len(_DJANGO_ROUTE.findall(checkout.text(path))) for path in urls)


def _listens(text: str) -> bool:
    return ".listen(" in text or "serve(" in text or "NestFactory" in text


def without_values(command: Iterable[str]) -> tuple[str, ...]:
    """Blank out what a command sets in the environment: some of it is secret."""
    return tuple(_SETS.sub(r"\1=...", part) for part in command)


def _script(name: str, package: Package) -> tuple[str, ...]:
    """Split a script of package.json; () when it is missing or needs a shell to be read."""
    try:
        return without_values(shlex.split(package.scripts.get(name, "")))
    except ValueError:
        return ()
