"""The JSON schema of an entity, read into what a table needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

BUILT_IN = {
    "id": "text", "created_date": "text", "updated_date": "text", "created_by": "text", "created_by_id": "text",
    "is_sample": "boolean",
}  # fmt: skip
"""Fields of every record that the server sets, and what their columns hold."""
PERSON = {
    "id": "text", "email": "text", "full_name": "text", "role": "text", "disabled": "boolean",
    "is_verified": "boolean", "created_date": "text", "updated_date": "text",
}  # fmt: skip
"""The same for the entity User, whose table is base44.person."""
PEOPLE = "user"
"""The lower-case name of that entity."""
REST = "_more"
"""The column for what no other column holds: unknown fields, and explicit nulls of known ones."""
LONGEST_NAME_BYTES = 63
MOST_COLUMNS = 500
_KINDS = {"string": "text", "number": "number", "integer": "number", "boolean": "boolean"}


@dataclass(frozen=True, kw_only=True)
class Field:
    """One property. `kind` says what its column holds: text, number, boolean or json; "" when it has none."""

    name: str
    kind: str
    definition: Mapping[str, object]

    @property
    def rules(self) -> Mapping[str, object]:
        """The field's own access rules."""
        found = self.definition.get("rls")
        return found if isinstance(found, Mapping) else {}

    @property
    def guarded(self) -> bool:
        """Whether it, or anything inside it, has rules of its own."""
        return bool(self.rules or self.nested)

    @cached_property
    def nested(self) -> tuple["Nested", ...]:
        """What inside it has rules of its own, elements of lists included."""
        return tuple(_nested(self.definition, ()))

    def rule(self, operation: str) -> object:
        """The field's own rule for read, create or update; None when there is none."""
        return rule_of(self.rules, operation)


@dataclass(frozen=True, kw_only=True)
class Nested:
    """A property inside a field; `path` leads to it, through lists as if they were one element."""

    path: tuple[str, ...]
    rules: Mapping[str, object]


def rule_of(rules: Mapping[str, object], operation: str) -> object:
    """A rule for read, create or update; None when there is none. `write` stands for the writes."""
    return rules.get(operation, rules.get("write") if operation != "read" else None)


def _nested(definition: Mapping[str, object], path: tuple[str, ...]) -> Iterator[Nested]:
    items = definition.get("items")
    if isinstance(items, Mapping):
        yield from _nested(items, path)
    properties = definition.get("properties")
    for name, inner in properties.items() if isinstance(properties, Mapping) else ():
        if not isinstance(inner, Mapping):
            continue
        own = inner.get("rls")
        if isinstance(own, Mapping) and own:
            yield Nested(path=(*path, str(name)), rules=own)
        yield from _nested(inner, (*path, str(name)))


@dataclass(frozen=True, kw_only=True)
class Entity:
    """One entity, as its table serves it."""

    name: str
    schema: Mapping[str, object]
    fields: tuple[Field, ...] = ()
    inferred: bool = False
    """Code uses it and no file describes it: every field is in REST."""

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the fields that a new record must have."""
        found = self.schema.get("required")
        return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else ()

    @property
    def people(self) -> bool:
        """Whether this is the entity User."""
        return self.name.lower() == PEOPLE

    @property
    def built_in(self) -> Mapping[str, str]:
        """Fields that the server sets, with what their columns hold."""
        return PERSON if self.people else BUILT_IN

    def field(self, name: str) -> Field | None:
        """The field of this name."""
        return next((item for item in self.fields if item.name == name), None)

    def kinds(self) -> dict[str, str]:
        """What each field's column holds."""
        return {item.name: item.kind for item in self.fields}


def read_entity(
    name: str, schema: Mapping[str, object], *, kinds: Mapping[str, str] | None = None, inferred: bool = False
) -> Entity:
    """Read a schema; `kinds` are those of the table that is there, which win over what the schema says."""
    properties = schema.get("properties")
    items = properties.items() if isinstance(properties, Mapping) else ()
    fields = []
    for index, (key, value) in enumerate(items):
        people = name.lower() == PEOPLE
        if not isinstance(key, str) or key in (PERSON if people else BUILT_IN):
            continue
        definition = value if isinstance(value, Mapping) else {}
        kind = _kind(key, definition) if index < MOST_COLUMNS and not people else ""
        fields.append(Field(name=key, kind=(kinds or {}).get(key, kind), definition=definition))
    return Entity(name=name, schema=schema, fields=tuple(fields), inferred=inferred)


def _kind(name: str, definition: Mapping[str, object]) -> str:
    if name == REST or len(name.encode()) > LONGEST_NAME_BYTES or "\0" in name or not name:
        return ""
    found = definition.get("type")
    return _KINDS.get(found, "json") if isinstance(found, str) else "json"
