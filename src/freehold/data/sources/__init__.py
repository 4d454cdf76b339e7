"""Where a database is taken from, behind one protocol."""
