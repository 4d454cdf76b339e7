"""Shells that put an app into the phones' stores."""

import re

from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.package import Package, join
from freehold.core.inventory import NativeShell, Place

_CAPACITOR = tuple(f"capacitor.config.{suffix}" for suffix in ("ts", "js", "json"))
_APP_ID = re.compile(r"""["']?appId["']?\s*:\s*["']([\w.-]+)["']""")
_EXPO_ID = re.compile(r"""["']?(?:bundleIdentifier|package)["']?\s*:\s*["']([\w.-]+)["']""")


def shells(checkout: Checkout, packages: tuple[Package, ...]) -> tuple[NativeShell, ...]:
    """List the shells that the folders with a package.json are built for."""
    found = []
    for package in packages:
        for name in _CAPACITOR:
            path = join(package.folder, name)
            if path in checkout.known:
                found.append(_shell("capacitor", checkout, path, _APP_ID))
        if "expo" in package.dependencies:
            names = ("app.json", "app.config.ts", "app.config.js")
            path = next(
                (item for name in names if (item := join(package.folder, name)) in checkout.known), package.path
            )
            found.append(_shell("expo", checkout, path, _EXPO_ID))
    return tuple(found)


def _shell(kind: str, checkout: Checkout, path: str, pattern: re.Pattern[str]) -> NativeShell:
    identifier = pattern.search(checkout.text(path))
    return NativeShell(kind=kind, identifier=identifier[1] if identifier else "", places=(Place(path=path, line=1),))
