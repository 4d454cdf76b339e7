"""What is known of one app on this server."""

import json
from typing import Any

from freehold.core.errors import NotRunning
from freehold.targets.server.remote import keys, places


def settings(app: places.App) -> dict[str, Any]:
    """What was laid down when the app was added; raises NotRunning when it never was."""
    try:
        found: dict[str, Any] = json.loads((app.state / "app.json").read_text())
    except FileNotFoundError as error:
        raise NotRunning(f"there is no app {app.name} on this server", hint="freehold server add") from error
    return found


def describe(app: str) -> dict[str, Any]:
    """The same with the key that pages carry."""
    place = places.app_of(app)
    return {**settings(place), "publishable_key": keys.publishable_key(place)}


def logged(app: str) -> list[str]:
    """The app's programs that have printed something."""
    return sorted(path.stem for path in places.app_of(app).printed.glob("*.log"))
