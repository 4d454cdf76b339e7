"""How a front end is built, told by its package.json."""

import re

from freehold.builders.shared import package as packages
from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.package import Package
from freehold.core.inventory import Frontend

_KINDS = (
    ("@tanstack/react-start", "tanstack-start", ("VITE_",), ".output"),
    ("next", "next", ("NEXT_PUBLIC_",), ".next"),
    ("expo", "expo", ("EXPO_PUBLIC_",), "dist"),
    ("react-scripts", "create-react-app", ("REACT_APP_",), "build"),
    ("@craco/craco", "create-react-app", ("REACT_APP_",), "build"),
    ("vite", "vite-spa", ("VITE_",), "dist"),
)
_STATIC_NEXT = re.compile(r"""\boutput\s*:\s*["']export["']""")


def main_package(found: tuple[Package, ...]) -> Package | None:
    """Give the first package that builds a front end, else the first of all; None when there is none."""
    kinds = [name for name, *_ in _KINDS]
    building = (package for package in found if any(name in package.dependencies for name in kinds))
    return next(building, found[0] if found else None)


def frontend(checkout: Checkout, package: Package) -> Frontend | None:
    """Describe the front end of a package; None when it builds none."""
    kinds = [kind for kind in _KINDS if kind[0] in package.dependencies]
    script = package.scripts.get("build", "")
    told = (kind for kind in kinds if kind[0] == "next" and "next build" in script)
    kind = next(told, next((kind for kind in kinds if kind[0] != "next" or "vite build" not in script), None))
    if kind is None:
        return None
    _, framework, prefixes, output = kind
    manager, lock = packages.lock_of(checkout, package)
    server = framework in ("tanstack-start", "next")
    if framework == "vite-spa":
        output = packages.vite_output(checkout, package)
    if framework == "next" and _is_exported(checkout, package):
        server, output = False, "out"
    return Frontend(
        root=package.folder,
        package_manager=manager,
        lock_file=lock,
        framework=framework,
        build_command=("npx", "expo", "export") if framework == "expo" else (manager, "run", "build"),
        output=output,
        server=server,
        environment_prefixes=prefixes,
    )


def _is_exported(checkout: Checkout, package: Package) -> bool:
    names = ("next.config.js", "next.config.mjs", "next.config.ts")
    return any(_STATIC_NEXT.search(checkout.text(packages.join(package.folder, name))) for name in names)
