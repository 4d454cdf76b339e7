"""The tables of an app's entities: made from JSON schemas, changed by statements that are shown and kept."""

from freehold.data.entities.apply import apply, plan, revision
from freehold.data.entities.consent import named

__all__ = ["apply", "named", "plan", "revision"]
