"""This machine: one folder an app, PostgreSQL and the runtime supervised on loopback."""
