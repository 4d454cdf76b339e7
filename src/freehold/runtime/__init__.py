"""The server behind `freehold serve`: supabase-js over the owner's own PostgreSQL."""
