"""/rest/v1: PostgREST v14 over one pipelined round trip."""
