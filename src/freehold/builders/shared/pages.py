"""Pages that are files: Next's app and pages folders, Expo's app folder, a folder of page components."""

import re

from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.package import join

_SUFFIXES = (".tsx", ".jsx", ".ts", ".js")
_GROUP = re.compile(r"(?:^|/)(?:\([^/)]*\)|@[^/]+)(?=/|$)")


def next_pages(checkout: Checkout, root: str) -> tuple[str, ...]:
    """List the routes of Next below `root`, sorted; route groups and slots are no part of an address."""
    found: set[str] = set()
    for folder in (join(root, "app"), join(root, "src/app")):
        for path in checkout.below(folder, suffixes=_SUFFIXES):
            inside, _, name = path.removeprefix(folder + "/").rpartition("/")
            if name.split(".")[0] == "page":
                found.add("/" + _GROUP.sub("", inside).strip("/"))
    for folder in (join(root, "pages"), join(root, "src/pages")):
        for path in checkout.below(folder, suffixes=_SUFFIXES):
            name = path.removeprefix(folder + "/").rpartition(".")[0]
            if not name.startswith(("_", "api/")):
                found.add("/" + name.removesuffix("index").rstrip("/"))
    return tuple(sorted(found))


def expo_pages(checkout: Checkout, root: str) -> tuple[str, ...]:
    """List the screens of Expo's router below `root`, sorted."""
    folder = join(root, "app")
    found: set[str] = set()
    for path in checkout.below(folder, suffixes=_SUFFIXES):
        name = path.removeprefix(folder + "/").rpartition(".")[0]
        last = name.rpartition("/")[2]
        if not last.startswith(("_", "+")) and not last.endswith("+api"):
            found.add("/" + _GROUP.sub("", "/" + name).strip("/").removesuffix("index").rstrip("/"))
    return tuple(sorted(found))


def api_routes(checkout: Checkout, root: str) -> tuple[str, ...]:
    """List the files of Next's own API below `root`, sorted."""
    folders = tuple(join(root, name) for name in ("app", "src/app"))
    routes = (path for path in checkout.below(*folders, suffixes=_SUFFIXES) if re.search(r"/route\.[jt]sx?$", path))
    old = checkout.below(join(root, "pages/api"), join(root, "src/pages/api"), suffixes=_SUFFIXES)
    return tuple(sorted({*routes, *old}))
