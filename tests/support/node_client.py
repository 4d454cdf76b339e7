"""What tests/protocol/conftest.py gives as `speak`."""

from collections.abc import Awaitable, Callable
from typing import Any

Speak = Callable[..., Awaitable[list[dict[str, Any]]]]
"""speak(script, **environment) runs tests/protocol/node/<script> and gives the JSON values that it prints."""
