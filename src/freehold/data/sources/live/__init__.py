"""A live PostgreSQL, read in one snapshot."""

from freehold.data.sources.live.database import LiveDatabase, open_live

__all__ = ["LiveDatabase", "open_live"]
