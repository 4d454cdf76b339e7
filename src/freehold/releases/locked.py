"""Which versions a lock file fixes: npm's, Bun's, pnpm's and Yarn's."""

import re
from collections.abc import Callable

from freehold.kit import json_text

_BUN = re.compile(r'^\s*"(?P<key>[^"]+)": \["(?P<name>@?[^@"]+)@(?P<version>[^"]+)"', re.MULTILINE)
_PNPM = re.compile(r"^  '?/?(?P<name>@?[^@'\s(]+)@(?P<version>[^:'(\s]+)[^:\n]*:", re.MULTILINE)
_YARN = re.compile(r'^"?(?P<name>@?[^@"\n]+)@[^\n]*:\n\s+"?version"?:? "?(?P<version>[^"\n]+)"?', re.MULTILINE)


def versions(name: str, text: str) -> dict[str, str]:
    """Give package names and versions of a lock file by its name; {} for what is none or cannot be read.

    A package that is there several times has its versions in one text, sorted.
    """
    read = _READERS.get(name.rsplit("/", 1)[-1])
    found: dict[str, set[str]] = {}
    for package, version in read(text) if read is not None else ():
        found.setdefault(package, set()).add(version)
    return {package: ", ".join(sorted(found[package])) for package in sorted(found)}


def _npm(text: str) -> list[tuple[str, str]]:
    try:
        packages = json_text.read(text)["packages"]
        return [
            (path.rpartition("node_modules/")[2], str(entry["version"]))
            for path, entry in packages.items()
            if path and "version" in entry
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _by(pattern: "re.Pattern[str]") -> Callable[[str], list[tuple[str, str]]]:
    return lambda text: [(match["name"], match["version"]) for match in pattern.finditer(text)]


_READERS: dict[str, Callable[[str], list[tuple[str, str]]]] = {
    "package-lock.json": _npm,
    "npm-shrinkwrap.json": _npm,
    "bun.lock": _by(_BUN),
    "pnpm-lock.yaml": _by(_PNPM),
    "yarn.lock": _by(_YARN),
}
