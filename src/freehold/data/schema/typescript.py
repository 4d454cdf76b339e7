"""The few forms of TypeScript that generated database types are made of, as values.

An object is a dict, a union is a Union, a name with its indexes is a Name, a string in quotes is a Literal. Comments,
semicolons, commas and line breaks carry no meaning, so prettier's variants read the same.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from freehold.core.errors import BadUsage

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/
    |(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)
    |(?P<word>[A-Za-z_$][\w$]*|-?\d[\w.]*)
    |(?P<mark>=>|\.\.\.|[{}\[\]():;,|?<>&=.*+!~^%/@#-])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_NAMED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
DEEPEST = 60


@dataclass(frozen=True)
class Literal:
    """A string in quotes."""

    text: str


@dataclass(frozen=True)
class Name:
    """A type by its name; `Database["public"]["Enums"]["role"]` has three indexes, `Array<string>` one argument."""

    text: str
    indexes: tuple[str, ...] = ()
    arguments: tuple["Type", ...] = ()


@dataclass(frozen=True)
class Array:
    """`string[]`."""

    of: "Type"


@dataclass(frozen=True)
class Group:
    """`[a, b]`: a tuple type or an array of constants."""

    items: tuple["Type", ...]


@dataclass(frozen=True)
class Union:
    """`a | b`."""

    options: tuple["Type", ...]


@dataclass(frozen=True)
class Intersection:
    """`a & b`."""

    parts: tuple["Type", ...]


@dataclass(frozen=True)
class Object:
    """`optional` names the members that are written with a question mark."""

    members: dict[str, "Type"] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()

    def inside(self, *names: str) -> "Object":
        """Give the object below these names, an empty one when there is none."""
        found: Type = self
        for name in names:
            found = found.members.get(name, Object()) if isinstance(found, Object) else Object()
        return found if isinstance(found, Object) else Object()


Type = Literal | Name | Array | Group | Union | Intersection | Object


def declared(text: str, name: str) -> Type | None:
    """Read what `type`, `interface` or `const` declares under a name; None when nothing does.

    Raises BadUsage when the declaration cannot be read to its end.
    """
    match = re.search(
        rf"(?m)^\s*(?:export\s+)?(?:declare\s+)?(?:type|interface|const)\s+{name}\b\s*(=\s*|(?=\{{))", text
    )
    return _Reader(text, match.end()).type() if match else None


class _Reader:
    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._tokens = _tokens(text, start)
        self._depth = 0
        self._advance()

    def _advance(self) -> None:
        self._kind, self._value, self._offset = next(self._tokens, ("end", "", len(self._text)))

    def _take(self, mark: str) -> bool:
        if self._kind == "mark" and self._value == mark:
            self._advance()
            return True
        return False

    def _need(self, mark: str) -> None:
        if not self._take(mark):
            raise self._unreadable(f"`{mark}` is missing")

    def _unreadable(self, why: str) -> BadUsage:
        line = self._text.count("\n", 0, self._offset) + 1
        return BadUsage(
            f"the generated types cannot be read at line {line}",
            detail=f"{why} before {self._value[:40]!r}",
            hint="generate them anew: supabase gen types typescript",
        )

    def type(self) -> Type:
        """Read a type to its end."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._unreadable("too deep")
        self._take("|")
        options = [self._intersection()]
        while self._take("|"):
            options.append(self._intersection())
        self._depth -= 1
        return options[0] if len(options) == 1 else Union(tuple(options))

    def _intersection(self) -> Type:
        self._take("&")
        parts = [self._postfix()]
        while self._take("&"):
            parts.append(self._postfix())
        return parts[0] if len(parts) == 1 else Intersection(tuple(parts))

    def _postfix(self) -> Type:
        found = self._primary()
        while self._take("["):
            if self._take("]"):
                found = Array(found)
                continue
            index = self._value
            self._advance()
            self._need("]")
            if isinstance(found, Name):
                found = Name(found.text, (*found.indexes, _plain(index)), found.arguments)
        return found

    def _primary(self) -> Type:
        if self._take("{"):
            return self._object()
        if self._take("["):
            return Group(tuple(self._list("]")))
        if self._take("("):
            found = self.type()
            self._need(")")
            return found
        if self._kind == "text":
            value = _plain(self._value)
            self._advance()
            return Literal(value)
        if self._kind != "word":
            raise self._unreadable("a type is missing")
        return self._name()

    def _name(self) -> Type:
        word = self._value
        self._advance()
        if word in {"readonly", "keyof", "typeof", "unique"} and self._kind in {"word", "text"}:
            return self._postfix()
        while self._take("."):
            word += "." + self._value
            self._advance()
        arguments = tuple(self._list(">")) if self._take("<") else ()
        if word == "Array" and len(arguments) == 1:
            return Array(arguments[0])
        return Name(word, (), arguments)

    def _list(self, end: str) -> Iterator[Type]:
        while not self._take(end):
            yield self.type()
            self._take(",")

    def _object(self) -> Object:
        members: dict[str, Type] = {}
        optional = set()
        while not self._take("}"):
            if self._take(";") or self._take(","):
                continue
            if self._take("["):
                self._index_signature()
                continue
            name = _plain(self._value)
            if self._kind not in {"word", "text"}:
                raise self._unreadable("a member's name is missing")
            self._advance()
            if name == "readonly" and self._kind in {"word", "text"}:
                name = _plain(self._value)
                self._advance()
            if self._take("?"):
                optional.add(name)
            self._need(":")
            members[name] = self.type()
        return Object(members, frozenset(optional))

    def _index_signature(self) -> None:
        """Pass over `[key: string]: T` and `[_ in never]: never`, which name no member."""
        while not self._take("]"):
            if self._kind == "end":
                raise self._unreadable("`]` is missing")
            self._advance()
        self._take("?")
        self._need(":")
        self.type()


def _tokens(text: str, start: int) -> Iterator[tuple[str, str, int]]:
    while start < len(text):
        match = _TOKEN.match(text, start)
        if match is None:
            yield "unknown", text[start], start
            return
        if match.lastgroup:
            yield match.lastgroup, match[match.lastgroup], match.start()
        start = match.end()


def _plain(token: str) -> str:
    if token[:1] not in {'"', "'", "`"}:
        return token
    return _ESCAPE.sub(
        lambda match: (
            chr(int(match[1][1:], 16)) if match[1][0] == "u" and len(match[1]) > 1 else _NAMED.get(match[1], match[1])
        ),
        token[1:-1],
    )
