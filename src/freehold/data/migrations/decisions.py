"""What is done with each statement: run as it is, left to the platform, or run alone as the owner of a platform table.

Only these few statements run with other rights than the app's owner role has, each written anew from its parse tree:
policies on storage.objects, storage.buckets and realtime.messages, and the removal of the app's own triggers from
auth.users and the storage tables. PostgreSQL itself judges everything else.
"""

from dataclasses import dataclass
from typing import Any

import postgast

from freehold.data.migrations.statements import Statement
from freehold.platform.install import PLACED_BY_APPS

PLATFORM_SCHEMAS = frozenset(
    {"auth", "storage", "realtime", "extensions", "cron", "net", "vault", "pgmq", "graphql", "graphql_public"}
    | {"supabase_functions", "supabase_migrations", "base44"}
)
STAND_INS = frozenset({"pg_cron", "pg_net", "supabase_vault", "pgmq"})
"""Extensions whose functions the platform supplies."""
ABSENT = frozenset(
    {"pg_graphql", "pgsodium", "pgjwt", "http", "postgis", "wrappers", "hypopg", "index_advisor", "vector"}
    | {"pg_stat_statements", "pg_jsonschema", "pg_hashids", "pgaudit", "pgroonga", "rum", "timescaledb", "plv8"}
    | {"pg_repack", "pg_stat_monitor", "pg_trgm", "citext", "unaccent", "pgcrypto", "uuid-ossp"}
)
"""Extensions that Supabase offers; one that this server lacks is left out and said aloud."""
PLATFORM_GRANTEES = frozenset({"postgres", "supabase_admin", "dashboard_user"})
PLATFORM_TRIGGERS = frozenset(
    {"update_objects_updated_at", "enforce_bucket_name_length_trigger"}
    | {"protect_buckets_delete", "protect_objects_delete"}
)
TABLE_OWNERS = {
    ("storage", "objects"): "supabase_storage_admin",
    ("storage", "buckets"): "supabase_storage_admin",
    ("realtime", "messages"): "supabase_realtime_admin",
    ("auth", "users"): "supabase_auth_admin",
}
PUBLICATION = "supabase_realtime"


@dataclass(frozen=True)
class Database:
    """What decisions depend on: the owner role, and which extensions are installed or could be."""

    owner: str
    installed: frozenset[str]
    available: frozenset[str]


@dataclass(frozen=True)
class Decision:
    """`applied` runs the text as `role`. `replaced` runs the platform's own text, if any, and `note` says why."""

    outcome: str
    role: str
    text: str
    note: str = ""


def decide(statement: Statement, database: Database) -> Decision:
    """Decide about one statement."""
    placed = _placed(statement, database)
    if placed is not None:
        return placed
    rule = _RULES.get(statement.kind)
    found = rule(statement.node, database) if rule is not None else None
    if found is None:
        return Decision("applied", database.owner, statement.text)
    if found in TABLE_OWNERS.values():
        return Decision("applied", found, _written_anew(statement), note=f"run as {found}")
    return Decision("replaced", database.owner, "", note=found)


def _written_anew(statement: Statement) -> str:
    """Write the statement from its parse tree, so that nothing can ride along."""
    return str(postgast.deparse(postgast.parse(statement.text)))


def _placed(statement: Statement, database: Database) -> Decision | None:
    """Let an extension that was made ahead go where the app's CREATE or ALTER EXTENSION wants it."""
    node = statement.node
    if statement.kind == "create_extension" and node.extname in PLACED_BY_APPS & database.installed:
        schemas = [option.def_elem.arg.string.sval for option in node.options if option.def_elem.defname == "schema"]
        return _place(node.extname, schemas[0] if schemas else "public", "false", database)
    if statement.kind == "alter_object_schema" and node.object_type == _EXTENSION:
        name = node.object.string.sval
        return _place(name, node.newschema, "true", database) if name in PLACED_BY_APPS else None
    return None


def _place(name: str, schema: str, moved: str, database: Database) -> Decision:
    quoted = schema.replace("'", "''")
    text = f"select freehold_gate.place_extension('{name}', '{quoted}', {moved})"
    return Decision("replaced", database.owner, text, note=f"{name} is installed")


def _create_extension(node: Any, database: Database) -> str | None:  # noqa: ANN401 - postgast carries no types
    name = node.extname
    if name in STAND_INS and name not in database.installed:
        return f"Freehold supplies {name}"
    if name in database.installed:
        return f"{name} is installed"
    if name in ABSENT and name not in database.available:
        return f"this PostgreSQL has no extension {name}"
    return None


def _create_schema(node: Any, _database: Database) -> str | None:  # noqa: ANN401
    if node.schemaname in PLATFORM_SCHEMAS and not node.schema_elts:
        return f"schema {node.schemaname} belongs to the platform"
    return None


def _policy(node: Any, _database: Database) -> str | None:  # noqa: ANN401
    owner = TABLE_OWNERS.get((node.table.schemaname, node.table.relname))
    return owner if node.table.schemaname != "auth" else None


def _drop(node: Any, _database: Database) -> str | None:  # noqa: ANN401
    if len(node.objects) != 1:
        return None
    return _named_on_table(node.remove_type, node.objects[0])


def _comment(node: Any, _database: Database) -> str | None:  # noqa: ANN401
    return _named_on_table(node.objtype, node.object)


def _named_on_table(kind: int, target: Any) -> str | None:  # noqa: ANN401
    """Give the owner of the table when `target` is schema, table and name of a policy or of a trigger of the app."""
    if kind not in {_POLICY, _TRIGGER} or target.WhichOneof("node") != "list":
        return None
    names = [item.string.sval for item in target.list.items]
    if len(names) != len(("schema", "table", "name")):
        return None
    owner = TABLE_OWNERS.get((names[0], names[1]))
    if kind == _POLICY:
        return owner if names[0] != "auth" else None
    return owner if names[2] not in PLATFORM_TRIGGERS else None


def _rename(node: Any, database: Database) -> str | None:  # noqa: ANN401
    if node.rename_type != _POLICY:
        return None
    return _policy(_Renamed(node.relation), database)


@dataclass(frozen=True)
class _Renamed:
    table: Any


def _alter_table(node: Any, _database: Database) -> str | None:  # noqa: ANN401
    commands = {item.alter_table_cmd.subtype for item in node.cmds}
    if node.relation.schemaname in PLATFORM_SCHEMAS and commands == {_ENABLE_ROW_SECURITY}:
        return f"row level security is on for {node.relation.schemaname}.{node.relation.relname}"
    return None


def _alter_owner(node: Any, database: Database) -> str | None:  # noqa: ANN401
    new = node.newowner.rolename
    if node.object_type == _PUBLICATION and node.object.string.sval == PUBLICATION:
        return f"{PUBLICATION} belongs to {database.owner}"
    if new == "postgres" and new != database.owner:
        return f"here {database.owner} is the owner's role"
    return None


def _grant(node: Any, database: Database) -> str | None:  # noqa: ANN401
    """Leave out grants by which Supabase's own roles get what they have: GRANT USAGE ON SCHEMA cron TO postgres."""
    grantees = {item.role_spec.rolename for item in node.grantees}
    schemas = {_schema_of(item) for item in node.objects}
    if node.is_grant and schemas <= PLATFORM_SCHEMAS and grantees <= PLATFORM_GRANTEES | {database.owner}:
        return f"the platform decides who may use {', '.join(sorted(schemas))}"
    return None


def _schema_of(item: Any) -> str:  # noqa: ANN401
    node = item.WhichOneof("node")
    if node == "string":
        return str(item.string.sval)
    if node == "range_var":
        return str(item.range_var.schemaname)
    if node == "object_with_args" and len(item.object_with_args.objname) > 1:
        return str(item.object_with_args.objname[0].string.sval)
    return ""


def _default_privileges(node: Any, database: Database) -> str | None:  # noqa: ANN401
    schemas = [
        item.string.sval
        for option in node.options
        if option.def_elem.defname == "schemas"
        for item in option.def_elem.arg.list.items
    ]
    roles = [
        item.role_spec.rolename
        for option in node.options
        if option.def_elem.defname == "roles"
        for item in option.def_elem.arg.list.items
    ]
    if schemas and set(schemas) <= PLATFORM_SCHEMAS:
        return f"nothing of the app is created in {', '.join(schemas)}"
    if roles and set(roles) <= PLATFORM_GRANTEES - {database.owner}:
        return f"nothing is created by {', '.join(roles)} here"
    return None


_OBJECTS = postgast.pg_query_pb2.ObjectType
_EXTENSION = _OBJECTS.Value("OBJECT_EXTENSION")
_POLICY = _OBJECTS.Value("OBJECT_POLICY")
_TRIGGER = _OBJECTS.Value("OBJECT_TRIGGER")
_PUBLICATION = _OBJECTS.Value("OBJECT_PUBLICATION")
_ENABLE_ROW_SECURITY = postgast.pg_query_pb2.AlterTableType.Value("AT_EnableRowSecurity")
_RULES = {
    "create_extension": _create_extension,
    "create_schema": _create_schema,
    "create_policy": _policy,
    "alter_policy": _policy,
    "drop": _drop,
    "comment": _comment,
    "rename": _rename,
    "alter_table": _alter_table,
    "alter_owner": _alter_owner,
    "grant": _grant,
    "alter_default_privileges": _default_privileges,
}
