"""A request that is planned: SQL text, where its parameters come from, and how its result is answered.

One of these serves every request of the same shape, so it holds nothing of a caller or of a filter's value.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from freehold.runtime.database import Parameter as DatabaseParameter
from freehold.runtime.database import Statement as DatabaseStatement
from freehold.runtime.rest.errors import Header
from freehold.runtime.rest.media import MediaType
from freehold.runtime.rest.preferences import Preferences
from freehold.runtime.rest.ranges import ALL, Range
from freehold.runtime.rest.sql.snippet import BODY_SLOT, Parameter, Statement

READ, CREATE, UPDATE, PUT, DELETE, CALL = "read", "create", "update", "put", "delete", "call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """The plan of a request that needs the database."""

    kind: str
    name: str
    """The relation's or function's name."""
    schema: str
    profile: bytes | None
    """What Content-Profile says, None if it is not sent."""
    statement: Statement
    media_type: MediaType
    preferences: Preferences
    explain: Statement | None = None
    """Asks the planner for the number of rows."""
    rows: Range = ALL
    headers_only: bool = False
    read_only: bool = False
    isolation: str | None = None
    settings: tuple[tuple[str, str], ...] = ()
    """A function's own settings."""
    is_singular: bool = False
    rolls_back: bool = False
    limit_affected: int | None = None
    returns_void: bool = False
    max_rows: int | None = None
    is_binary: bool = False
    """The body comes as bytea in hex."""
    liftable: bool = True
    """Whether another body may be sent with the same plan."""

    applied: bytes = b""
    """Preference-Applied."""
    # What every answer of this plan shares, written once.
    has_checks: bool = field(init=False)
    """Whether the result decides about commit or rollback."""
    about_body: tuple[Header, ...] = field(init=False)
    """Content-Type, and Content-Profile if it is sent."""
    about_preferences: tuple[Header, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Write what is shared."""
        content_type: Header = (b"content-type", self.media_type.content_type())
        profile = () if self.profile is None else ((b"content-profile", self.profile),)
        applied = ((b"preference-applied", self.applied),) if self.applied else ()
        object.__setattr__(self, "has_checks", self.kind == PUT or self.is_singular or self.limit_affected is not None)
        object.__setattr__(self, "about_body", (content_type, *profile))
        object.__setattr__(self, "about_preferences", applied)


def bind(statement: Statement, values: Sequence[str], body: bytes) -> DatabaseStatement:
    """Put a request's values into a statement; raises ApiError where a value does not parse."""
    return statement.sql, [_value(parameter, values, body) for parameter in statement.parameters]


def _value(parameter: Parameter, values: Sequence[str], body: bytes) -> DatabaseParameter:
    if len(parameter.values) == 1:
        text, slot = parameter.values[0]
        if slot == BODY_SLOT:
            return b"\\x" + body.hex().encode() if text else body
        if slot >= 0:
            text = values[slot]
        return (parameter.convert((text,)) if parameter.convert else text).encode()
    texts = [values[slot] if slot >= 0 else text for text, slot in parameter.values]
    return (parameter.convert(texts) if parameter.convert else "".join(texts)).encode()
