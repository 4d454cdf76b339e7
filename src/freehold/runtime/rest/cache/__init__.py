"""What the API has to know about the database: relations, relationships, functions, media types."""
