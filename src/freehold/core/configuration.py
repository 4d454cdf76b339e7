"""A release's configuration names its secrets and folders by marks, so that each place fills in its own.

The marks are objects with one key: {"$secret": "STRIPE_KEY"} and {"$part": "functions", "path": "functions/mail"}.
Filled in at each start with the versions that the release records, a configuration is the JSON of runtime/settings.py
but for what the place adds: address, logins, keys, directories and the path of Deno.
"""

from collections.abc import Callable

SECRET, PART = "$secret", "$part"


def secret(name: str) -> dict[str, object]:
    """Mark where a secret's value goes."""
    return {SECRET: name}


def part(name: str, path: str = "") -> dict[str, object]:
    """Mark where the path of a part's folder goes, or of something in it."""
    return {PART: name, "path": path}


def filled(value: object, *, secret_value: Callable[[str], str], part_path: Callable[[str, str], str]) -> object:
    """Give `value` with every mark replaced. The result may hold secrets: it goes to standard input only."""
    if isinstance(value, dict):
        if set(value) == {SECRET}:
            return secret_value(str(value[SECRET]))
        if PART in value:
            return part_path(str(value[PART]), str(value.get("path", "")))
        return {key: filled(item, secret_value=secret_value, part_path=part_path) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [filled(item, secret_value=secret_value, part_path=part_path) for item in value]
    return value
