"""Settings that live in the database: `alter role authenticator set pgrst.x = ...` and `alter role ... set`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson

from freehold.runtime.rest.cache.load import Database, statement
from freehold.runtime.rest.execute import RoleSettings
from freehold.runtime.rest.settings import RestSettings

ISOLATION = "default_transaction_isolation"
PARAMETERS_ARE_GRANTED_SINCE = 150000
_VERSION = "select pg_catalog.current_setting('server_version_num')"
_GRANTED = "or pg_catalog.has_parameter_privilege(known.name, 'set')"


async def load_settings(database: Database, settings: RestSettings) -> RestSettings:
    """Put the login role's `pgrst.*` settings over the given ones; what cannot be read is left as it was."""
    if not settings.db_config:
        return settings
    (result,) = await database.run([(statement("server_settings"), ())])
    changes: dict[str, Any] = {}
    for row in result.rows:
        name, value = orjson.loads(row[0] or b"[]")
        changes |= _READERS[name](value) if name in _READERS else {}
    return replace(settings, **changes)


async def load_role_settings(database: Database) -> RoleSettings:
    """Read what `alter role ... set` says for the roles that requests run as."""
    (version,) = await database.run([(_VERSION, ())])
    granted = _GRANTED if int(version.one()[0] or 0) >= PARAMETERS_ARE_GRANTED_SINCE else ""
    (result,) = await database.run([(statement("role_settings").replace("/* or granted */", granted), ())])
    settings: dict[str, tuple[tuple[str, str], ...]] = {}
    isolation: dict[str, str] = {}
    for row in result.rows:
        role, name, value = orjson.loads(row[0] or b"[]")
        if name == ISOLATION:
            isolation[role] = value
        else:
            settings[role] = (*settings.get(role, ()), (name, value))
    return RoleSettings(settings=settings, isolation=isolation)


def _flag(name: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {name: text.lower() in ("true", "yes", "on", "1", "t")}


def _text(name: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {name: text}


def _names(name: str) -> Callable[[str], dict[str, Any]]:
    return lambda text: {name: tuple(item.strip() for item in text.split(",") if item.strip())}


def _whole_number(text: str) -> dict[str, Any]:
    return {"db_max_rows": int(text) if text.isdecimal() else None}


def _function(text: str) -> dict[str, Any]:
    return {"db_pre_request": tuple(part.strip('"') for part in text.split(".", 1)) if text else ()}


def _transaction_end(text: str) -> dict[str, Any]:
    return {"db_tx_rollback_all": text.startswith("rollback"), "db_tx_allow_override": text.endswith("-allow-override")}


_READERS: dict[str, Callable[[str], dict[str, Any]]] = {
    "db_aggregates_enabled": _flag("db_aggregates_enabled"),
    "db_anon_role": _text("db_anon_role"),
    "db_extra_search_path": _names("db_extra_search_path"),
    "db_hoisted_tx_settings": _names("db_hoisted_tx_settings"),
    "db_max_rows": _whole_number,
    "db_plan_enabled": _flag("db_plan_enabled"),
    "db_pre_request": _function,
    "db_root_spec": _text("db_root_spec"),
    "db_schemas": _names("db_schemas"),
    "db_tx_end": _transaction_end,
    "openapi_mode": _text("openapi_mode"),
    "openapi_security_active": _flag("openapi_security_active"),
    "openapi_server_proxy_uri": _text("openapi_server_proxy_uri"),
    "server_cors_allowed_origins": _names("server_cors_allowed_origins"),
    "server_timing_enabled": _flag("server_timing_enabled"),
    "server_trace_header": _text("server_trace_header"),
}
