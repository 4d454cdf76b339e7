"""How targets are called."""

LOCAL = "local"
"""The target that is this machine."""


def to_option(name: str) -> str:
    """What has to be added to a command so that it is about the target of this name; "" for this machine."""
    return "" if name == LOCAL else f" --to {name}"
