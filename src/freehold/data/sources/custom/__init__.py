"""Dumps in pg_dump's custom format, versions 1.12 to 1.16, read entry by entry."""

from freehold.data.sources.custom.archive import Archive

__all__ = ["Archive"]
