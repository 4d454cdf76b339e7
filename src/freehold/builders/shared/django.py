"""A Django project as its sources tell it: what starts it, and which paths are its own. None of its code is run."""

import ast
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from freehold.builders.shared import jsonc, python
from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.package import join

FALLBACK = ("/api/",)
_SETTINGS = re.compile(r"""["']DJANGO_SETTINGS_MODULE["']\s*(?:,|\]\s*=)\s*["']([\w.]+)["']""")
_MANAGE = "manage.py"
_DEPTH = 3
"""How far a URL configuration is followed that includes another one at the root."""
_KEEPS_FILES = re.compile(r"\bmodels\.(?:File|Image)Field\s*\(")
_PATTERNS = frozenset({"path", "re_path", "url"})
_ROUTE = re.compile(r"^\^?/?([^<(\[?*+$^\\.|{]*)")


@dataclass(frozen=True, kw_only=True)
class Project:
    """One Django project; `folder` is the one that holds manage.py, relative to the app's root."""

    folder: str
    settings: str
    """The module with its settings."""
    application: str
    """module:name of its WSGI application."""
    paths: tuple[str, ...]
    """What it answers: below an entry with a slash at its end, and at one without; everything else is pages."""


@dataclass(frozen=True, kw_only=True)
class _Sources:
    checkout: Checkout
    folder: str

    def path(self, module: str) -> str:
        """The file of a module, "" when it is none of the project's."""
        name = join(self.folder, module.replace(".", "/"))
        return next((path for path in (f"{name}.py", f"{name}/__init__.py") if path in self.checkout.known), "")

    def tree(self, module: str) -> list[ast.stmt]:
        """The statements of a module, [] for one that is not there or cannot be read."""
        try:
            return ast.parse(self.checkout.text(self.path(module))).body
        except (SyntaxError, ValueError, RecursionError):
            return []


def project(checkout: Checkout, folder: str) -> Project | None:
    """Read the project whose manage.py stands nearest to the root below `folder`; None without one that is whole."""
    found = [
        path
        for path in python.files(checkout, folder)
        if posixpath.basename(path) == _MANAGE and _SETTINGS.search(checkout.text(path))
    ]
    if not found:
        return None
    manage = min(found, key=lambda path: (path.count("/"), path))
    sources = _Sources(checkout=checkout, folder=posixpath.dirname(manage))
    told = _SETTINGS.findall(checkout.text(manage))[0]
    application = _application(sources, told)
    if not application:
        return None
    served = _SETTINGS.findall(checkout.text(sources.path(application.partition(":")[0])))
    settings = served[0] if served and sources.path(served[0]) else told
    values = constants(sources, settings)
    paths = _vercel(checkout, sources.folder) or _own(sources, values) or FALLBACK
    paths = tuple(dict.fromkeys((*paths, *_media(sources, values))))
    return Project(folder=sources.folder, settings=settings, application=application, paths=paths)


def _application(sources: _Sources, settings: str) -> str:
    """What the settings name, else the wsgi module beside them."""
    named = constants(sources, settings).get("WSGI_APPLICATION")
    module, _, name = named.rpartition(".") if isinstance(named, str) else ("", "", "")
    if module and sources.path(module):
        return f"{module}:{name}"
    package = settings.partition(".")[0]
    return f"{package}.wsgi:application" if sources.path(f"{package}.wsgi") else ""


def constants(sources: _Sources, module: str, depth: int = _DEPTH) -> dict[str, object]:
    """Give the names that a module sets to plain values, those of modules it takes everything from included."""
    found: dict[str, object] = {}
    for statement in sources.tree(module):
        match statement:
            case ast.ImportFrom(names=[ast.alias(name="*")]) if depth:
                found |= constants(sources, _absolute(sources, statement, module), depth - 1)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = _plain(value, found)
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                before, more = found.get(name), _plain(value, found)
                found[name] = [*before, *more] if isinstance(before, list) and isinstance(more, list) else before
    return found


def _absolute(sources: _Sources, statement: ast.ImportFrom, module: str) -> str:
    if not statement.level:
        return statement.module or ""
    parts = module.split(".")
    is_package = sources.path(module).endswith("/__init__.py")
    kept = parts[: len(parts) - statement.level + is_package]
    return ".".join([*kept, *([statement.module] if statement.module else [])])


def _plain(node: ast.expr, known: dict[str, object]) -> object:
    """A text, or a list of those elements that are texts, or lists put together; None for what has to be computed."""
    match node:
        case ast.Name(id=name):
            return known.get(name)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            parts = [part for part in (_plain(left, known), _plain(right, known)) if isinstance(part, list)]
            return [item for part in parts for item in part] if parts else None
        case ast.Constant(value=str() as text):
            return text
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            return [item.value for item in elements if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return None


def _vercel(checkout: Checkout, folder: str) -> tuple[str, ...]:
    """What vercel.json sends to a Python file of the project: it is how the builder's preview was deployed."""
    read = jsonc.read(checkout.text("vercel.json")) or {}
    found = [
        _prefix(str(item.get(from_name, "")))
        for kind, from_name, to_name in (("routes", "src", "dest"), ("rewrites", "source", "destination"))
        for item in jsonc.tables(read.get(kind))
        if _is_of(str(item.get(to_name, "")), folder)
    ]
    return tuple(dict.fromkeys(path for path in found if path not in {"", "/"}))


def _is_of(destination: str, folder: str) -> bool:
    path = destination.partition("?")[0].lstrip("/")
    return path.endswith(".py") and path.startswith(f"{folder}/" if folder else "")


@dataclass
class _Urls:
    sources: _Sources
    seen: set[str] = field(default_factory=set)

    def prefixes(self, module: str, depth: int = _DEPTH) -> Iterator[str]:
        """Give the first part of every pattern of a URL configuration; one at the root is followed."""
        if module in self.seen:
            return
        self.seen.add(module)
        tree = self.sources.tree(module)
        calls = [node for statement in tree for node in ast.walk(statement) if isinstance(node, ast.Call)]
        for call in calls:
            route = _first(call)
            if _name(call.func) not in _PATTERNS or route is None:
                continue
            if _prefix(route) != "/":
                yield _prefix(route)
            elif _is_router(call):
                yield from (_prefix(f"{name}/") for item in calls if (name := _registered(item)))
            elif (included := _included(call)) and depth:
                yield from self.prefixes(included, depth - 1)


def _own(sources: _Sources, settings: dict[str, object]) -> tuple[str, ...]:
    """The first parts of the project's own URLs, and of its static files where it serves them."""
    module = settings.get("ROOT_URLCONF")
    found = [*_Urls(sources).prefixes(module)] if isinstance(module, str) else []
    installed, static = settings.get("INSTALLED_APPS"), settings.get("STATIC_URL")
    if found and isinstance(installed, list) and "django.contrib.staticfiles" in installed and isinstance(static, str):
        found.append(_prefix(static))
    return tuple(dict.fromkeys(path for path in found if path != "/"))


def _media(sources: _Sources, settings: dict[str, object]) -> tuple[str, ...]:
    """Where files that people send are answered, in a project that keeps any."""
    texts = (sources.checkout.text(path) for path in python.files(sources.checkout, sources.folder))
    if "MEDIA_ROOT" not in settings and not any(_KEEPS_FILES.search(text) for text in texts):
        return ()
    told = settings.get("MEDIA_URL")
    if isinstance(told, str) and "//" in told:  # another host keeps them
        return ()
    path = _prefix(f"{told.strip('/')}/") if isinstance(told, str) else "/"
    return (path if path != "/" else "/media/",)


def _prefix(route: str) -> str:
    """The first part of a pattern as a path: with a slash at its end when there is more below it, "/" for none."""
    match = _ROUTE.match(route)
    plain = match[1] if match else ""
    first, slash, _ = plain.partition("/")
    if not first:
        return "/"
    whole = slash or plain == route.strip("^$/")
    return f"/{first}{slash}" if whole else "/"


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _first(call: ast.Call) -> str | None:
    first = call.args[0] if call.args else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _included(call: ast.Call) -> str:
    """The module of `include("module")`, also as the first of a pair with its name; "" for anything else."""
    what = _what(call)
    if isinstance(what, ast.Tuple) and what.elts:
        what = what.elts[0]
    return what.value if isinstance(what, ast.Constant) and isinstance(what.value, str) else ""


def _is_router(call: ast.Call) -> bool:
    """Whether a pattern includes what was registered with a router: `include(router.urls)`."""
    what = _what(call)
    return isinstance(what, ast.Attribute) and what.attr == "urls"


def _what(call: ast.Call) -> ast.expr | None:
    second = call.args[1] if len(call.args) > 1 else None
    is_include = isinstance(second, ast.Call) and _name(second.func) == "include"
    return second.args[0] if is_include and isinstance(second, ast.Call) and second.args else None


def _registered(call: ast.Call) -> str:
    return (_first(call) or "") if _name(call.func) == "register" else ""
