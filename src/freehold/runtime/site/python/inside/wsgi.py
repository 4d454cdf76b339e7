"""The types of PEP 3333."""

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

Environ = MutableMapping[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
