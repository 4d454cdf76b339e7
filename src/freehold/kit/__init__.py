"""Verbs on the outside world, without knowledge of the product."""
