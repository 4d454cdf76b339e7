"""Newer versions of builders' clients, built into apps whose own version cannot be told which server to call."""

from freehold.releases.clients.upgrade import upgrade

__all__ = ["upgrade"]
