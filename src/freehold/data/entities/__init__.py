"""The tables of an app's entities: made from JSON schemas, changed by statements that are shown and kept."""

from freehold.data.entities.apply import apply, plan, revision

__all__ = ["apply", "plan", "revision"]
