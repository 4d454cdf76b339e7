"""Freehold: take an app made in an AI app builder to production on infrastructure you own."""

__version__ = "0.1.0"
