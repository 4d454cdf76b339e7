"""The REST core as a program of its own, in the place of `postgrest`: its settings, its signals, its admin server."""
