"""/functions/v1: edge functions, one Deno process each."""
