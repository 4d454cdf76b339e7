"""Conformance suites and fakes that others may import."""
