"""Which generation of Next an app of v0's runs on."""

import re

from freehold.builders.shared.package import Package

_MAJOR = re.compile(r"\d+")


def generation(package: Package | None) -> str:
    """Name it by Next's major version: next-14, next-16; next when no number is written; "" without Next."""
    if package is None or "next" not in package.dependencies:
        return ""
    major = _MAJOR.search(package.dependencies["next"])
    return f"next-{major[0]}" if major else "next"
