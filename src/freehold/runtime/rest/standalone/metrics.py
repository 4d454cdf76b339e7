"""What the server counts, in Prometheus' text format and under PostgREST's names."""

from freehold.runtime.rest.standalone.application import Application


def text(application: Application) -> str:
    """Write every metric."""
    pool, state, tokens = application.pool, application.core.state, application.tokens
    size = application.options.values["db-pool"]
    loads = [('{status="SUCCESS"}', state.loads), ('{status="FAIL"}', state.failures)]
    return "".join([
        _metric("pgrst_schema_cache_query_time_seconds", "gauge", "How long the last load took", state.load_seconds),
        _head("pgrst_schema_cache_loads_total", "counter", "How often the schema cache was loaded"),
        *(f"pgrst_schema_cache_loads_total{labels} {float(value)}\n" for labels, value in loads),
        _metric("pgrst_db_pool_max", "gauge", "Most connections", size),
        _metric("pgrst_db_pool_waiting", "gauge", "Requests that wait for a connection", pool.waiting),
        _metric("pgrst_db_pool_available", "gauge", "Open connections that nobody uses", pool.available),
        _metric("pgrst_db_pool_timeouts_total", "counter", "Requests that got no connection in time", pool.timeouts),
        _metric("pgrst_jwt_cache_requests_total", "counter", "Tokens looked up", tokens.lookups),
        _metric("pgrst_jwt_cache_hits_total", "counter", "Tokens that were known", tokens.hits),
        _metric("pgrst_jwt_cache_evictions_total", "counter", "Tokens that were forgotten", tokens.evictions),
    ])  # fmt: skip


def _metric(name: str, kind: str, meaning: str, value: float) -> str:
    return f"{_head(name, kind, meaning)}{name} {float(value)}\n"


def _head(name: str, kind: str, meaning: str) -> str:
    return f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n"
