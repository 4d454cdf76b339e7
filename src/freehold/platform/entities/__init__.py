"""Entities of a Base44 app: their JSON schemas, row rules and tables. What data, releases and runtime share."""
