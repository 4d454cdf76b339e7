"""Runs plans: apply, undo, resume."""
