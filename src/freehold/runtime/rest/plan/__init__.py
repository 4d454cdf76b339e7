"""From a request and the schema cache to a plan: what is read, joined, written and called."""
