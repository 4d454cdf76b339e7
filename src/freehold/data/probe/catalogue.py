"""Read what the probe has to know of a database from PostgreSQL's catalogue."""

import re
from importlib import resources
from typing import Any

from freehold.data.probe.objects import USERS, Check, Column, Function, Objects, Policy, Reference, Relation
from freehold.data.schema.fingerprint import NOT_THE_APPS
from freehold.kit import postgres

_USER_NAMES = re.compile(
    r"^((user|owner|author|creator|seller|buyer|customer|client|sender|recipient|receiver|member|profile|student|"
    r"teacher|instructor|follower|following|requester|addressee|host|guest|uploader|auth_user)_?(id|uuid)|userid|"
    r"ownerid|(created|uploaded|submitted|added|posted|owned)_by|uid)$"
)
_COMPARED = (
    re.compile(r"auth\.uid\(\)(?: AS uid)?\)*(?:::text)? = \(?(?:\w+\.)?\"?(\w+)\"?"),
    re.compile(r"(?:^|[ (])(?:\w+\.)?\"?(\w+)\"?\)?(?:::\w+)? = \(*(?: ?SELECT )?auth\.uid\(\)"),
)


def read(admin: postgres.Connection) -> Objects:
    """Read the catalogue as it is now."""
    query = resources.files("freehold.data.probe").joinpath("catalogue.sql").read_text(encoding="utf-8")
    with admin.transaction():
        admin.execute("set local search_path = pg_catalog, pg_temp")
        row = admin.execute(query, {"platform": NOT_THE_APPS}).fetchone()
        queues = _queues(admin)
    found: dict[str, Any] = row[0] if row else {}
    relations = {item["oid"]: _relation(item) for item in found["relations"]}
    users = _user_columns(relations)
    return Objects(
        relations=relations,
        functions=tuple(_function(item) for item in found["functions"]),
        buckets={item["id"]: bool(item["public"]) for item in found["buckets"]},
        storage_rules=found["storage_rules"],
        user_columns=users,
        owned=_owned(relations, users),
        queues=queues,
        triggered=frozenset(found["triggered"] or ()),
    )


def _queues(admin: postgres.Connection) -> tuple[str, ...]:
    if admin.execute("select to_regclass('pgmq.meta') is null").fetchone() == (True,):
        return ()
    rows = admin.execute(
        "select queue_name from pgmq.meta where to_regclass(format('pgmq.%I', lower('q_' || queue_name))) is not null"
        " order by created_at, queue_name"
    )
    return tuple(str(name) for (name,) in rows.fetchall())


def _relation(item: dict[str, Any]) -> Relation:
    columns = tuple(_column(each) for each in item["columns"])
    checks = [Check(name=c["name"], definition=c["definition"], columns=_names(c["columns"])) for c in item["checks"]]
    if item["bounds"]:
        words = frozenset(re.findall(r"\w+", item["bounds"]))
        checks.append(
            Check(
                name="",
                definition=item["bounds"],
                columns=tuple(column.name for column in columns if column.name in words),
            )
        )
    return Relation(
        oid=item["oid"],
        schema=item["schema"],
        name=item["name"],
        kind=item["kind"],
        secured=item["secured"],
        owner=item["owner"],
        invoker=item["invoker"],
        updatable=item["updatable"],
        parent=item["parent"] or 0,
        columns=columns,
        keys=tuple((bool(key["primary"]), frozenset(key["columns"] or ())) for key in item["keys"]),
        references=tuple(
            Reference(
                columns=_names(each["columns"]),
                target=each["target"],
                target_name=each["target_name"],
                target_columns=_names(each["target_columns"]),
            )
            for each in item["references"]
        ),
        checks=tuple(checks),
        policies=tuple(
            Policy(
                name=each["name"],
                command=each["command"],
                permissive=each["permissive"],
                roles=_names(each["roles"]),
                using=each["using"],
                check=each["check"],
            )
            for each in item["policies"]
        ),
        bases=tuple(item["bases"] or ()),
        readable={role: _names(names) for role, names in item["readable"].items()},
        writable={role: _names(names) for role, names in item["writable"].items()},
    )


def _column(item: dict[str, Any]) -> Column:
    return Column(
        name=item["name"],
        type=item["type"],
        written=item["written"],
        base=item["base"],
        array=item["array"],
        required=item["required"],
        default=item["default"],
        generated=item["generated"],
        labels=_names(item["labels"]),
        length=item["length"] or 0,
    )


def _function(item: dict[str, Any]) -> Function:
    return Function(
        oid=item["oid"],
        schema=item["schema"],
        name=item["name"],
        definer=item["definer"],
        source=item["source"],
        result=item["result"],
        volatile=item["volatile"] == "v",
        identity=item["identity"],
        names=_names(item["names"]),
        types=_names(item["types"]),
        labels=tuple(_names(labels) for labels in item["labels"] or ()),
        callers=_names(item["callers"]),
        ruled_by=bool(item["ruled_by"]),
    )


def _names(value: list[str] | None) -> tuple[str, ...]:
    return tuple(value or ())


def _user_columns(relations: dict[int, Relation]) -> dict[int, tuple[str, ...]]:
    """Find the columns that hold a user's id: by foreign key, by policy, by name; then those that refer to them."""
    found = {oid: _direct(item) for oid, item in relations.items()}
    for _ in range(3):
        for oid, item in relations.items():
            for reference in item.references:
                there = found.get(reference.target, set())
                target = relations.get(reference.target)
                if target and len(reference.columns) == 1 and reference.target_columns[0] in there:
                    found[oid].add(reference.columns[0])
    return {oid: tuple(sorted(names)) for oid, names in found.items() if names}


def _direct(item: Relation) -> set[str]:
    elsewhere = {name for reference in item.references if reference.target_name != USERS for name in reference.columns}
    found = {name for reference in item.references if reference.target_name == USERS for name in reference.columns[:1]}
    rules = " ".join(f"{policy.using} {policy.check}" for policy in item.policies)
    compared = {name for pattern in _COMPARED for name in pattern.findall(rules)}
    for column in item.columns:
        fits = column.base in {"uuid", "text", "character varying"} and not column.array
        if fits and column.name not in elsewhere and (column.name in compared or _USER_NAMES.match(column.name)):
            found.add(column.name)
    return found


def _owned(relations: dict[int, Relation], users: dict[int, tuple[str, ...]]) -> frozenset[int]:
    owned = {oid for oid in users if relations[oid].kind in {"r", "p"}}
    for _ in range(len(relations)):
        more = {
            oid
            for oid, item in relations.items()
            if oid not in owned and (item.parent in owned or any(ref.target in owned for ref in item.references))
        }
        if not more:
            break
        owned |= more
    return frozenset(owned)
