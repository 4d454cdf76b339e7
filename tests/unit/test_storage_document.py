"""The reference names what Storage has."""

from pathlib import Path

from freehold.runtime.storage.routes import ROUTES, Access

TEXT = (Path(__file__).parents[2] / "docs/reference/storage.md").read_text()


def test_every_door_that_asks_nobody_stands_in_the_reference() -> None:
    for route in ROUTES:
        if route.access in {Access.OPEN, Access.SERVICE}:
            fixed = route.path.partition("/:bucket")[0].removesuffix("/*")
            assert fixed in TEXT, route
