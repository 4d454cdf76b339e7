"""Python sources of an app: what they require, and what they read from the environment."""

import posixpath
import re
from collections.abc import Iterator

from freehold.builders.shared import jsonc
from freehold.builders.shared.checkout import Checkout, lines
from freehold.core.errors import BadUsage
from freehold.core.inventory import EnvironmentName, Place
from freehold.kit import toml

PROJECT = "pyproject.toml"
_FOLDERS = ("", "backend/", "server/", "api/")
_FILES = ("requirements.txt", "requirements/production.txt", "requirements/prod.txt", "requirements/base.txt", PROJECT)
REQUIREMENTS = tuple(f"{folder}{name}" for name in _FILES for folder in _FOLDERS)
"""Where packages are asked for; of several files that ask for one, the first counts."""
_INCLUDED = re.compile(r"^\s*(?:-r|--requirement)[\s=]+(\S+)")
_DEPTH = 3
_NAME = r"""["']([A-Za-z_]\w*)["']"""
_READ = re.compile(
    rf"(?:os\.environ(?:\.get|\.setdefault|\.pop)?\s*[\[(]\s*|os\.getenv\s*\(\s*|\bgetenv\s*\(\s*){_NAME}"
)
_SETTING = re.compile(rf"""\b(?:config|env(?:\.(?!db|cache|email|search)\w+)?)\s*\(\s*{_NAME}(?P<more>[^)]*)""")
"""What python-decouple and django-environ read; a default makes up for a value."""
_SETTING_READERS = re.compile(r"^\s*(?:import|from)\s+(?:decouple|environ)\b", re.MULTILINE)
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)", re.MULTILINE)
_COMMENT = re.compile(r"#[^\n]*")
_SUPPLIED = re.compile(
    r"(?:DJANGO_|DATABASE_|SUPABASE_|POSTGRES|PG|DB_|SQL_|CORS_|CSRF_|ALLOWED_|STATIC_|MEDIA_|PYTHON|VERCEL|RENDER|LOG)"
    r"|(?:DEBUG|SECRET_KEY|PORT|HOST|HOSTNAME|ENV|ENVIRONMENT|TZ|CI|HOME|PATH)$"
)
_TEST = re.compile(r"(^|/)(tests?/|test_[^/]*$|[^/]*_test\.py$|conftest\.py$)")


def files(checkout: Checkout, folder: str = "") -> tuple[str, ...]:
    """List the Python files that are not tests."""
    return tuple(path for path in checkout.below(folder, suffixes=(".py",)) if not _TEST.search(path))


def requirements(checkout: Checkout) -> dict[str, Place]:
    """Name the packages that requirements files ask for, in lower case with dashes, and where."""
    found: dict[str, Place] = {}
    for path in REQUIREMENTS:
        for number, line in _asked(checkout, path, _DEPTH):
            match = _REQUIREMENT.match(_COMMENT.sub("", line))
            if match:
                found.setdefault(match[1].lower().replace("_", "-"), Place(path=path, line=number))
    return found


def _asked(checkout: Checkout, path: str, depth: int) -> Iterator[tuple[int, str]]:
    """Give what a file asks for, with the line; what another one asks for that it includes stands at that line."""
    if path.endswith(PROJECT):
        yield from ((0, item) for item in _dependencies(checkout.text(path)))
        return
    for number, line in enumerate(checkout.text(path).split("\n"), start=1):
        included = _INCLUDED.match(line)
        if included and depth:
            other = posixpath.normpath(posixpath.join(posixpath.dirname(path), included[1]))
            yield from ((number, item) for _, item in _asked(checkout, other, depth - 1))
        else:
            yield number, line


def _dependencies(text: str) -> tuple[str, ...]:
    """What [project] of a pyproject.toml asks for; () for a broken one."""
    try:
        project = jsonc.table(toml.parse(text, PROJECT).get("project"))
    except BadUsage:
        return ()
    return jsonc.texts(project.get("dependencies"))


def folder_of(path: str) -> str:
    """The folder whose packages a file names: requirements/base.txt speaks for the one above it."""
    folder = posixpath.dirname(path)
    return posixpath.dirname(folder) if posixpath.basename(folder) == "requirements" else folder


def environment(checkout: Checkout, paths: tuple[str, ...]) -> tuple[EnvironmentName, ...]:
    """List the names that Python files read from the environment, sorted."""
    found: dict[str, list[Place]] = {}
    for path in paths:
        text = checkout.text(path)
        if "environ" not in text and "getenv" not in text:
            continue
        index = lines(text)
        for match in _READ.finditer(text):
            found.setdefault(match[1], []).append(index.place(path, match.start()))
    return tuple(
        EnvironmentName(name=name, kind="os.environ", places=tuple(places)) for name, places in sorted(found.items())
    )


def secrets(checkout: Checkout, folder: str) -> tuple[str, ...]:
    """Give the names that a server's code reads without a value to fall back to, and that its owner alone knows."""
    found: set[str] = set()
    for path in files(checkout, folder):
        text = checkout.text(path)
        found.update(match[1] for match in _READ.finditer(text) if not text[match.end() :].lstrip().startswith(","))
        if _SETTING_READERS.search(text):
            found.update(match[1] for match in _SETTING.finditer(text) if "default" not in match["more"])
    return tuple(sorted(name for name in found if not _SUPPLIED.match(name)))
