"""The URL's query string: its grammar, and what it says as data."""
