"""What becomes of each object of a source: moved, replaced by Freehold's own, or left and why. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from freehold.data.migrations import statements
from freehold.data.migrations.decisions import ABSENT, PLATFORM_SCHEMAS, STAND_INS, TABLE_OWNERS
from freehold.data.sources.csv_folder import NOT_IN_CSV
from freehold.data.sources.toc import Entry

OLD_PLATFORM = PLATFORM_SCHEMAS | frozenset(
    {"pgsodium", "pgsodium_masks", "pgbouncer", "_realtime", "_analytics", "_supavisor", "etl", "supabase_etl"}
)
COPIED_SCHEMAS = frozenset({"auth", "storage", "cron", "pgmq", "supabase_migrations"})
"""Schemas of the old platform that hold rows of the app."""
PLATFORM_ROLES = frozenset(
    {"supabase_admin", "supabase_auth_admin", "supabase_storage_admin", "supabase_realtime_admin"}
    | {"supabase_functions_admin", "supabase_replication_admin", "supabase_etl_admin", "dashboard_user", "pgbouncer"}
    | {"freehold_platform", "freehold_replication", "freehold_server"}
    | {"pgsodium_keymaker", "cloudsqlsuperuser", "rdsadmin"}
)
SETTINGS = frozenset({"ENCODING", "STDSTRINGS", "SEARCHPATH", "DATABASE", "DATABASE PROPERTIES"})
"""Of the dump, not of the app."""
PLATFORM_EVENT_TRIGGERS = re.compile(r"^(issue_|pgrst_)")
PLATFORM_PUBLICATIONS = frozenset({"supabase_realtime", "supabase_realtime_messages_publication"})
ELSEWHERE = frozenset({"SERVER", "USER MAPPING", "FOREIGN DATA WRAPPER", "FOREIGN TABLE", "SUBSCRIPTION"})
LARGE = frozenset({"BLOB", "BLOBS", "BLOB METADATA", "BLOB COMMENTS"})
AFTER_ROWS = frozenset(
    {"CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "INDEX", "INDEX ATTACH", "TRIGGER", "RULE", "POLICY"}
    | {"ROW SECURITY", "STATISTICS", "PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA"}
)
LAST = frozenset({"ACL", "COMMENT", "DEFAULT ACL"})
_PHASES = {"TABLE DATA": 1, "SEQUENCE SET": 2, "MATERIALIZED VIEW DATA": 5}
EMPTY_SCHEMAS = ("", "-")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What decisions depend on. `relations` are those of the target's platform schemas, as (schema, name)."""

    owner: str
    relations: frozenset[tuple[str, str]]
    schemas: frozenset[str]
    """Schemas of the app that the target has already: public, and those that Freehold makes for an app."""
    extensions: Mapping[str, bool]
    """Extensions that the target has or could have; whether whoever owns a database may make it."""


@dataclass(frozen=True, kw_only=True)
class Decision:
    """`outcome` moved is what is meant to happen; `way` is who does it how, see making.py and loading.py."""

    outcome: str
    way: str = ""
    note: str = ""


OWNER = Decision(outcome="moved", way="owner")
REPLACED = Decision(outcome="replaced", note="Freehold has its own")


def phase(entry: Entry) -> int:
    """0 definitions, 1 rows, 2 sequences, 3 what comes after rows, 4 rights and comments, 5 materialized views."""
    if entry.kind in AFTER_ROWS:
        return 3
    return 4 if entry.kind in LAST else _PHASES.get(entry.kind, 0)


def decide(entry: Entry, target: Target) -> Decision:
    """Decide about one object."""
    if entry.owner == "freehold_platform" and not is_platform(entry.schema):
        return REPLACED
    rule = _RULES.get(entry.kind)
    found = rule(entry, target) if rule is not None else None
    if found is not None:
        return found
    if is_platform(entry.schema):
        return _in_platform(entry, target)
    return OWNER


def is_platform(schema: str) -> bool:
    """Whether a schema belongs to the old platform, or to Freehold where that is the source."""
    return schema in OLD_PLATFORM or schema.startswith("freehold")


def _in_platform(entry: Entry, target: Target) -> Decision:
    if entry.schema == "pgmq" and entry.kind == "TABLE" and entry.name[:2] in ("q_", "a_"):
        return Decision(outcome="moved", way="queue")
    name = entry.name.split("(")[0].split(" ")[0]
    ours = (entry.schema, name) in target.relations
    if ours or entry.owner in PLATFORM_ROLES or entry.schema not in ("auth", "storage", "realtime"):
        return REPLACED if ours else Decision(outcome="replaced", note="part of the old platform's own service")
    return Decision(
        outcome="left", note=f"an object of the app in the platform's schema {entry.schema}; put it into schema public"
    )


def _extension(entry: Entry, target: Target) -> Decision:
    name = entry.name
    if name in STAND_INS or name == "plpgsql":
        return REPLACED
    if name not in target.extensions:
        gone = name in ("pg_graphql", "pgsodium", "pgjwt", "wrappers", "hypopg", "index_advisor", "pg_stat_monitor")
        why = "the old platform's own tool" if gone else "this PostgreSQL does not have it"
        return Decision(outcome="left", note=why)
    if target.extensions[name] or name in ABSENT:
        return Decision(outcome="moved", way="extension")
    return Decision(outcome="left", note="it gives rights on the server itself; let its administrator make it")


def _schema(entry: Entry, target: Target) -> Decision:
    return REPLACED if entry.name in target.schemas or is_platform(entry.name) else OWNER


def _trigger(entry: Entry, _target: Target) -> Decision | None:
    """The app's own triggers on the platform's tables call the app's own functions."""
    if not is_platform(entry.schema):
        return None
    node = _node(entry)
    parts = [item.string.sval for item in node.funcname] if node is not None else []
    theirs = len(parts) > 1 and is_platform(parts[0])
    return REPLACED if theirs or not parts else OWNER


def _policy(entry: Entry, _target: Target) -> Decision | None:
    if not is_platform(entry.schema):
        return None
    node = _node(entry)
    table = (entry.schema, node.table.relname if node is not None else "")
    if table in TABLE_OWNERS:
        return Decision(outcome="moved", way=f"policy as {TABLE_OWNERS[table]}")
    return Decision(outcome="left", note=f"{entry.schema}.{table[1]} has no policies of apps here")


def _rows(entry: Entry, target: Target) -> Decision | None:
    if not is_platform(entry.schema):
        return Decision(outcome="moved", way="rows as owner")
    named = f"{entry.schema}.{entry.name}"
    special = {
        "cron.job": Decision(outcome="moved", way="cron jobs"),
        "vault.secrets": Decision(outcome="left", way="vault names", note="encrypted with the old server's key"),
        "supabase_migrations.schema_migrations": Decision(outcome="moved", way="baseline"),
        "cron.job_run_details": Decision(outcome="left", note="the history of runs stays at the source"),
        "storage.buckets": Decision(outcome="moved", way="rows as administrator"),
        "storage.objects": Decision(outcome="moved", way="files"),
    }
    if named in special:
        return special[named]
    if entry.schema == "pgmq" and entry.name[:2] in ("q_", "a_"):
        return Decision(outcome="moved", way="rows as owner")
    if entry.schema == "auth" and entry.name != "schema_migrations":
        if (entry.schema, entry.name) in target.relations:
            return Decision(outcome="moved", way="rows as administrator")
        return Decision(outcome="left", way="count", note="Freehold's sign-in has no such table")
    return Decision(outcome="replaced", note="the old platform's own working state")


def _sequence(entry: Entry, target: Target) -> Decision | None:
    if not is_platform(entry.schema):
        return OWNER
    if entry.schema == "auth" and (entry.schema, entry.name) in target.relations:
        return Decision(outcome="moved", way="administrator")
    return OWNER if entry.schema == "pgmq" and entry.name[:2] == "q_" else REPLACED


def _event_trigger(entry: Entry, _target: Target) -> Decision:
    if PLATFORM_EVENT_TRIGGERS.match(entry.name):
        return REPLACED
    return Decision(outcome="left", note="it runs with the rights of whoever changes the schema, even a superuser's")


def _publication(entry: Entry, _target: Target) -> Decision | None:
    return REPLACED if entry.name in PLATFORM_PUBLICATIONS else None


def _rights(entry: Entry, _target: Target) -> Decision | None:
    """pg_dump's tag names the kind of object first; what has no schema is named there."""
    word, _, rest = entry.name.partition(" ")
    if word in ("DATABASE", "LANGUAGE", "EXTENSION", "EVENT") or (word == "SCHEMA" and is_platform(rest)):
        return REPLACED
    return REPLACED if is_platform(entry.schema) else None


def _default_rights(entry: Entry, _target: Target) -> Decision | None:
    if is_platform(entry.schema) or re.search(r"FOR ROLE \"?(supabase_|dashboard_|freehold_p)", entry.definition):
        return REPLACED
    return Decision(outcome="moved", way="default rights")


def _elsewhere(_entry: Entry, _target: Target) -> Decision:
    return Decision(outcome="left", note="it reaches another server with a password that nothing here holds")


def _large_object(_entry: Entry, _target: Target) -> Decision:
    return Decision(outcome="left", note="large objects are not carried over; keep them as files in a bucket")


def _label(_entry: Entry, _target: Target) -> Decision:
    return Decision(outcome="left", note="security labels belong to a provider that is not here")


def _measured(_entry: Entry, _target: Target) -> Decision:
    return Decision(outcome="replaced", note="measured anew here")


def _node(entry: Entry) -> Any:  # noqa: ANN401 - postgast's protobuf classes carry no types
    found = statements(entry.definition)
    return found[0].node if len(found) == 1 else None


def _not_in_csv(_entry: Entry, _target: Target) -> Decision:
    note = "CSV files hold rows only; until these are made, nobody but the service role gets in: freehold db shell"
    return Decision(outcome="left", note=note)


_RULES = {
    NOT_IN_CSV: _not_in_csv,
    "EXTENSION": _extension,
    "SCHEMA": _schema,
    "TRIGGER": _trigger,
    "POLICY": _policy,
    "TABLE DATA": _rows,
    "SEQUENCE SET": _sequence,
    "EVENT TRIGGER": _event_trigger,
    "PUBLICATION": _publication,
    "ACL": _rights,
    "COMMENT": _rights,
    "DEFAULT ACL": _default_rights,
    "SECURITY LABEL": _label,
    "STATISTICS DATA": _measured,
    **dict.fromkeys(ELSEWHERE, _elsewhere),
    **dict.fromkeys(LARGE, _large_object),
}
