"""/auth/v1: the GoTrue surface."""
