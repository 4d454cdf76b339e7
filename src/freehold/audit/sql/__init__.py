"""Questions to the catalogue of the replayed schema, one a file."""
