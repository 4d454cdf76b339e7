"""Which columns and relations an app's calls to supabase-js name, table by table: all there is without a schema."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from freehold.builders.shared.checkout import Checkout
from freehold.builders.shared.code import without_comments
from freehold.builders.shared.usage import NOT_SUPABASE

_FROM = re.compile(r"""(\.storage\s*!?\s*)?\.from\s*(?:<[^>()]*>)?\(\s*["'`]([A-Za-z_]\w*)["'`]\s*(?:as\s+\w+\s*)?\)""")
_METHOD = re.compile(r"\s*\.\s*(\w+)\s*(?:<[^>()]*>)?\(")
_STRING = re.compile(r"""^\s*(["'`])((?:(?!\1).)*)\1""", re.DOTALL)
_COLUMN = re.compile(r"[A-Za-z_]\w*")
_KEY = re.compile(r"""\s*(?:"([A-Za-z_]\w*)"|'([A-Za-z_]\w*)'|([A-Za-z_]\w*))\s*(:)?""")
_ASKS = frozenset({"eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "is", "in", "contains", "containedBy"})
_ASKS |= {"overlaps", "order", "not", "filter", "textSearch"}
_WRITES = frozenset({"insert", "upsert", "update"})
_CONFLICT = re.compile(r"""\bonConflict\s*:\s*["'`]([A-Za-z_][\w\s,]*)["'`]""")
_OPENS, _CLOSES = "([{", ")]}"


@dataclass
class Queried:
    """What is asked of one table. `columns` maps a name to the kind of value seen: boolean, number, Json or ""."""

    columns: dict[str, str] = field(default_factory=dict)
    related: set[tuple[str, str]] = field(default_factory=set)
    """Tables that are embedded, each with its foreign key or column as written, or ""; one may come twice."""

    conflicts: set[tuple[str, ...]] = field(default_factory=set)
    """Columns that an upsert names as the key of a row."""

    def note(self, column: str, kind: str = "") -> None:
        """Add a column; a kind that was seen once is kept."""
        self.columns[column] = self.columns.get(column) or kind


def scan(checkout: Checkout, files: tuple[str, ...]) -> Mapping[str, Queried]:
    """Read every chain that starts with `.from("table")`; embedded tables are in the result as well."""
    found: dict[str, Queried] = {}
    for path in files:
        text = checkout.text(path)
        if ".from" in text:
            _scan_text(without_comments(text), found)
    return dict(sorted(found.items()))


def _scan_text(text: str, found: dict[str, Queried]) -> None:
    for match in _FROM.finditer(text):
        if match[1] or NOT_SUPABASE.search(text[max(0, match.start() - 30) : match.start()]):
            continue
        table = match[2]
        found.setdefault(table, Queried())
        for method, arguments in _chain(text, match.end()):
            _note_call(table, method, arguments, found)


def _chain(text: str, start: int) -> Iterator[tuple[str, str]]:
    """Give the calls that follow one another from here, each with the text between its parentheses."""
    while (match := _METHOD.match(text, start)) is not None:
        end = _closing(text, match.end())
        yield match[1], text[match.end() : end]
        start = end + 1


def _closing(text: str, start: int) -> int:
    """The place of the bracket that closes the one before `start`; the end of the text where there is none."""
    depth, quote, place = 1, "", start
    while place < len(text):
        sign = text[place]
        if quote:
            place += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "\"'`":
            quote = sign
        else:
            depth += (sign in _OPENS) - (sign in _CLOSES)
            if depth == 0:
                return place
        place += 1
    return len(text)


def _note_call(table: str, method: str, arguments: str, found: dict[str, Queried]) -> None:
    text = _STRING.match(arguments)
    if method == "select" and text:
        _note_select(table, text[2], found)
    elif method in _ASKS and text and _COLUMN.fullmatch(text[2]):
        found[table].note(text[2])
    elif method in _WRITES:
        if method == "upsert" and (key := _CONFLICT.search(arguments)):
            found[table].conflicts.add(tuple(name.strip() for name in key[1].split(",")))
        start = arguments.find("{")
        if start >= 0 and not arguments[:start].strip(" \n\t[("):
            _note_object(table, arguments[start + 1 : _closing(arguments, start + 1)], found)


def _note_select(table: str, text: str, found: dict[str, Queried]) -> None:
    """Read `a, alias:b, relation!key(c, d)`."""
    for part in _parts(text):
        name, bracket, inner = part.partition("(")
        name = name.rpartition(":")[2].strip().removeprefix("...")
        relation, _, hint = name.partition("!")
        relation = relation.split("->")[0].split("::")[0].strip()
        if not _COLUMN.fullmatch(relation):
            continue
        if not bracket and relation == "count":
            continue
        if not bracket:
            found[table].note(relation)
        elif relation not in {"count", "sum", "avg", "min", "max"} or inner.strip(" )"):
            key = hint.replace("!inner", "").replace("!left", "")
            found[table].related.add((relation, "" if key in {"inner", "left"} else key))
            found.setdefault(relation, Queried())
            _note_select(relation, inner.rpartition(")")[0], found)


def _note_object(table: str, text: str, found: dict[str, Queried]) -> None:
    for part in _parts(text):
        match = _KEY.match(part)
        if match is not None and not part.lstrip().startswith("..."):
            name = match[1] or match[2] or match[3]
            value = part[match.end() :].strip() if match[4] else ""
            found[table].note(name, _kind(value))


def _kind(value: str) -> str:
    if value in {"true", "false"} or value.startswith("!"):
        return "boolean"
    if re.match(r"-?\d|Number\(|parseInt\(|parseFloat\(|Math\.", value):
        return "number"
    return "Json" if value[:1] in {"{", "["} else ""


def _parts(text: str) -> Iterator[str]:
    """Cut at the commas of the outermost level."""
    depth, start, quote = 0, 0, ""
    for place, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'`":
            quote = sign
        elif sign == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
        else:
            depth += (sign in _OPENS) - (sign in _CLOSES)
    if text[start:].strip():
        yield text[start:].strip()
