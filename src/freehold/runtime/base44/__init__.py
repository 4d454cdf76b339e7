"""`/api` and `/ws-user-apps`: the server that an unmodified @base44/sdk speaks to."""
