"""The REST core's own configuration, under PostgREST's names."""

from dataclasses import dataclass, field

from freehold.runtime.settings import Settings

HOISTED = ("statement_timeout", "plan_filter.statement_cost_limit", "default_transaction_isolation")
MAX_BODY_BYTES = 64 * 1024 * 1024
MAX_URL_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class RestSettings:
    """What PostgREST's configuration file says; the defaults are PostgREST's."""

    db_schemas: tuple[str, ...] = ("public",)
    db_anon_role: str | None = "anon"
    db_extra_search_path: tuple[str, ...] = ("public",)
    db_max_rows: int | None = None
    db_pre_request: tuple[str, ...] = ()
    """Schema and name of a function, or its name alone; empty for none."""
    db_pre_config: tuple[str, ...] = ()
    db_config: bool = False
    """Read `pgrst.*` settings of the login role."""
    db_root_spec: str = ""
    db_tx_rollback_all: bool = False
    db_tx_allow_override: bool = False
    db_aggregates_enabled: bool = False
    db_plan_enabled: bool = False
    db_channel: str = "pgrst"
    db_channel_enabled: bool = True
    db_hoisted_tx_settings: tuple[str, ...] = HOISTED
    jwt_secret: str = field(default="", repr=False)
    """A raw secret, a JWK or a JWK set; bytes that are no UTF-8 stand as surrogate escapes."""
    jwt_secret_is_base64: bool = False
    jwt_aud: str = ""
    jwt_role_claim_key: str = ".role"
    jwt_cache_max_entries: int = 1000
    """Verified tokens that are remembered; 0 for none."""
    openapi_mode: str = "follow-privileges"
    """follow-privileges, ignore-privileges or disabled."""
    openapi_security_active: bool = False
    openapi_server_proxy_uri: str = ""
    server_cors_allowed_origins: tuple[str, ...] = ()
    server_timing_enabled: bool = False
    server_trace_header: str = ""
    app_settings: tuple[tuple[str, str], ...] = ()
    max_body_bytes: int = MAX_BODY_BYTES
    max_url_bytes: int = MAX_URL_BYTES


def of_runtime(settings: Settings) -> RestSettings:
    """Derive the configuration of the embedded `/rest/v1`; `pgrst.*` settings of the login role go over it."""
    return RestSettings(
        db_schemas=settings.exposed_schemas,
        db_extra_search_path=settings.extra_search_path,
        db_max_rows=settings.max_rows,
        db_config=True,
        openapi_server_proxy_uri=settings.public_url + "/rest/v1",
    )
