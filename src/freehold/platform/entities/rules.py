"""Row rules as written in an entity's schema, turned into conditions of row level security.

The order is the builder's: nothing or {} allows everyone, true and false are themselves, a condition asks for a
signed-in caller. A template that leads to nothing matches nothing, and an operator that is not known denies.
"""

import re
from collections.abc import Mapping

from freehold.platform.entities import names
from freehold.platform.entities.schema import Entity

OPERATIONS = ("create", "read", "update", "delete")
_TEMPLATE = re.compile(r"\{\{\s*user\.([\w.]+)\s*\}\}")
_CALLER = "(select base44.caller())"
_COMPARISONS = {"$gt": "gt", "$gte": "gte", "$lt": "lt", "$lte": "lte"}
OWN = {"$or": [{"created_by_id": "{{user.id}}"}, {"user_condition": {"role": "admin"}}]}
INFERRED = {"create": {"user_condition": {}}, "read": OWN, "update": OWN, "delete": OWN}
"""For an entity that no file describes: its rules are not known, so a record is its maker's and the admins'."""


def rules_of(entity: Entity) -> Mapping[str, object]:
    """The rule of each operation: `rls`, or the older `security`; `write` stands for what is not named."""
    if entity.inferred:
        return INFERRED
    for key in ("rls", "security"):
        found = entity.schema.get(key)
        if isinstance(found, Mapping):
            return {name: found.get(name, found.get("write") if name != "read" else None) for name in OPERATIONS}
    return dict.fromkeys(OPERATIONS)


def allows(entity: Entity, rule: object) -> str:
    """Write the condition of one rule as SQL over a row of the entity's table."""
    if is_open(rule):
        return "true"
    if not isinstance(rule, Mapping):
        return "false"
    return f"({_CALLER} is not null and {_condition(entity, rule)})"


def is_open(rule: object) -> bool:
    """Whether a rule asks for nothing: none, true, or an empty one."""
    return rule is None or rule is True or rule in ("", {})


def unusual(rule: object) -> tuple[str, ...]:
    """Name the forms in a rule that the builder does not document, so that the owner looks at them."""
    if not isinstance(rule, Mapping):
        return ()
    found: list[str] = []
    for key, item in rule.items():
        if key in ("$or", "$and", "$nor") and isinstance(item, list):
            found += [form for part in item for form in unusual(part)]
        elif isinstance(item, Mapping) and key != "user_condition":
            found += [f"{key} {name}" for name in item if name not in ("$in", "$nin", "$ne", "$all")]
            found += [f"{key} {name} with a template" for name, value in item.items() if isinstance(value, str)]
    return tuple(found)


def _condition(entity: Entity, rule: object) -> str:
    if not isinstance(rule, Mapping):
        return "false"
    parts = [_entry(entity, str(key), item) for key, item in rule.items()]
    return "(" + " and ".join(parts) + ")" if parts else "true"


def _entry(entity: Entity, key: str, item: object) -> str:
    if key == "user_condition":
        return _user(item)
    if key in ("$or", "$and", "$nor"):
        if not isinstance(item, list):
            return "false"
        parts = [_condition(entity, part) for part in item]
        joined = (" and " if key == "$and" else " or ").join(parts) or ("true" if key == "$and" else "false")
        return f"(not coalesce(({joined}), false))" if key == "$nor" else f"({joined})"
    if key.startswith("$"):
        return "false"
    name = key.removeprefix("data.")
    if not isinstance(item, Mapping):
        return _is(entity, name, item)
    return _operators(_record_value(entity, name), item)


def _user(item: object) -> str:
    if not isinstance(item, Mapping):
        return "false"
    parts = []
    for key, wanted in item.items():
        found = f"({_CALLER} #> {names.path_literal(str(key).removeprefix('data.'))})"
        parts.append(
            _operators(found, wanted)
            if isinstance(wanted, Mapping)
            else f"coalesce({found} = {_operand(wanted)}, false)"
        )
    return "(" + " and ".join(parts) + ")" if parts else "true"


def _is(entity: Entity, name: str, wanted: object) -> str:
    """Equality; written so that an index of a text column serves it."""
    column = names.column(entity, name)
    whole = _TEMPLATE.fullmatch(wanted) if isinstance(wanted, str) else None
    if column is not None and names.kind_of(entity, name) == "text" and isinstance(wanted, str):
        if whole:
            return f"coalesce({column} = (select base44.caller_text({_user_path(whole[1])})), false)"
        if not _TEMPLATE.search(wanted):
            return f"coalesce({column} = {names.literal(wanted)}, false)"
    return f"coalesce({_record_value(entity, name)} = {_operand(wanted)}, false)"


def _record_value(entity: Entity, name: str) -> str:
    fixed = {"entity_name": entity.name, "environment": "prod", "is_deleted": False}
    if name in fixed and entity.field(name) is None:
        return names.json_literal(fixed[name])
    head, _, rest = name.partition(".")
    found = names.value(entity, head)
    return f"({found} #> {names.path_literal(rest)})" if rest else found


def _operand(wanted: object) -> str:
    """A value of a rule as jsonb: null where a template in it leads to nothing."""
    if not isinstance(wanted, str) or not _TEMPLATE.search(wanted):
        return names.json_literal(wanted)
    whole = _TEMPLATE.fullmatch(wanted)
    if whole:
        return f"(select base44.caller_value({_user_path(whole[1])}))"
    parts, end = [], 0
    for match in _TEMPLATE.finditer(wanted):
        parts += [names.literal(wanted[end : match.start()])]
        parts += [f"(select base44.caller_value({_user_path(match[1])}) #>> '{{}}')"]
        end = match.end()
    return "to_jsonb(" + " || ".join([*parts, names.literal(wanted[end:])]) + ")"


def _user_path(path: str) -> str:
    return names.path_literal(path.removeprefix("data."))


def _operators(found: str, item: Mapping[str, object]) -> str:
    parts = [_operator(found, name, wanted) for name, wanted in item.items()]
    return "(" + " and ".join(parts) + ")" if parts else "false"


def _operator(found: str, name: str, wanted: object) -> str:  # noqa: PLR0911 - one line an operator
    if name in ("$in", "$nin"):
        inside = f"coalesce(({found} = any({_list(wanted)})), false)"
        return inside if name == "$in" else f"(not {_missing_counts(found, wanted, inside)})"
    if name == "$eq":
        return f"coalesce({found} = {_operand(wanted)}, false)"
    if name == "$ne" and wanted is None:
        return f"coalesce({found} <> 'null', false)"
    if name == "$ne":
        return f"({_operand(wanted)} is not null and {found} is distinct from {_operand(wanted)})"
    if name in _COMPARISONS:
        return f"coalesce(base44.compares({found}, '{_COMPARISONS[name]}', {_operand(wanted)}), false)"
    if name == "$exists":
        return f"({found} is {'not ' if wanted else ''}null)"
    if name == "$all" and isinstance(wanted, list):
        parts = [f"coalesce({found} @> jsonb_build_array({_operand(part)}), false)" for part in wanted]
        return "(" + " and ".join([f"coalesce(jsonb_typeof({found}) = 'array', false)", *parts]) + ")"
    if name == "$size" and isinstance(wanted, int) and not isinstance(wanted, bool):
        return f"coalesce(base44.has_size({found}, {wanted}), false)"
    return "false"


def _missing_counts(found: str, wanted: object, inside: str) -> str:
    """Null in the list of $nin stands for a missing field, too."""
    has_null = isinstance(wanted, list) and None in wanted
    return f"({inside} or {found} is null)" if has_null else inside


def _list(wanted: object) -> str:
    if isinstance(wanted, str) and _TEMPLATE.fullmatch(wanted):
        items = f"jsonb_path_query_array({_operand(wanted)}, '$[*]')"
        return f"array(select jsonb_array_elements({items}))"
    if not isinstance(wanted, list) or not wanted:
        return "'{}'::jsonb[]"
    return "array[" + ", ".join(_operand(item) for item in wanted) + "]::jsonb[]"
