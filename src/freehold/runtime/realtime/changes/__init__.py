"""Changes of published tables: from the write-ahead log to those who may see each row."""
