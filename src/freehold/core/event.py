"""What happens while a plan runs or an app is served, as one JSON object a line."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Event:
    """`name` is stable and documented in docs/reference/events.md; `values` are JSON scalars, lists and objects."""

    name: str
    text: str = ""
    values: dict[str, object] = field(default_factory=dict)
