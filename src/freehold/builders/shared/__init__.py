"""Readers that several builders share: package.json, .env files, a Supabase project folder."""
