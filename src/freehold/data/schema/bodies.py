"""Which columns the app's own functions use of a table: PostgreSQL looks into their bodies only when they run."""

import re
from collections.abc import Collection, Iterator, Mapping

from freehold.kit import postgres

_BODIES = """
select p.prosrc from pg_catalog.pg_proc as p
  join pg_catalog.pg_language as l on l.oid = p.prolang
 where p.pronamespace = 'public'::pg_catalog.regnamespace and l.lanname in ('plpgsql', 'sql') and p.prosrc <> ''
"""
_NOT_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_NO_ALIAS = "from|where|on|set|values|select|using|join|left|right|inner|full|cross|group|order|limit|for|returning"
_TABLE = re.compile(
    rf'\b(?:from|join|update|into)\s+(?:only\s+)?(?:public\.)?"?(\w+)"?(?:\s+as)?\s+(?!(?:{_NO_ALIAS})\b)(\w+)',
    re.IGNORECASE,
)
_INSERT = re.compile(r'\binsert\s+into\s+(?:public\.)?"?(\w+)"?\s*(?:as\s+\w+\s*)?\(([\w\s,"]+)\)', re.IGNORECASE)
_UPDATE = re.compile(
    r'\bupdate\s+(?:only\s+)?(?:public\.)?"?(\w+)"?\s+set\s+(.*?)(?:\bwhere\b|;|$)', re.IGNORECASE | re.DOTALL
)
_LIST = re.compile(
    r"\bselect\s+(\w+(?:\s*,\s*\w+)*)\s+(?:into\s+(?:strict\s+)?[\w\s,.]+?\s+)?from\s+(?:public\.)?\"?(\w+)\"?\s*"
    r"(?=where\b|order\b|limit\b|;|\)|$)",
    re.IGNORECASE,
)
"""A list of plain names out of one table."""
_CONFLICT = re.compile(
    r'\binsert\s+into\s+(?:public\.)?"?(\w+)"?[^;]*?\bon\s+conflict\s*\(([\w\s,"]+)\)\s*do\b', re.IGNORECASE
)
"""An insert that names plain columns as the key of a row, of every row."""
_WORDS = frozenset({"distinct", "null", "true", "false", "current_date", "current_timestamp", "current_user", "into"})
_SET = re.compile(r'(?:^|,)\s*"?(\w+)"?\s*=')


def columns(admin: postgres.Connection, tables: Collection[str]) -> dict[str, frozenset[str]]:
    """Read the bodies of the functions of `public`; names that are qualified, inserted or set there, by table."""
    found: dict[str, set[str]] = {}
    for (body,) in admin.execute(_BODIES).fetchall():
        for table, column in (*used(str(body), tables), *read_plainly(str(body), tables)):
            if not column.isdigit():
                found.setdefault(table, set()).add(column)
    return {table: frozenset(names) for table, names in found.items()}


def conflicts(admin: postgres.Connection) -> dict[str, set[tuple[str, ...]]]:
    """Give the columns that functions of `public` name as the key of a row when they insert, by table."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for (body,) in admin.execute(_BODIES).fetchall():
        for table, key in keys(str(body)):
            found.setdefault(table, set()).add(key)
    return found


def keys(body: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Give table and columns of every `insert ... on conflict (...) do` of one body."""
    for match in _CONFLICT.finditer(code(body)):
        yield match[1], tuple(name.strip().strip('"') for name in match[2].split(","))


def code(body: str) -> str:
    """Leave out comments and texts."""
    return _NOT_CODE.sub(" ", body)


def used(body: str, tables: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give table and column of every use that can be told from the text of one body."""
    text = code(body)
    for name, table in names(text, tables).items():
        for column in re.findall(rf"\b{re.escape(name)}\.(\w+)\b(?!\s*\()", text):
            yield table, column
    for match in _INSERT.finditer(text):
        if match[1] in tables:
            yield from ((match[1], name.strip().strip('"')) for name in match[2].split(",") if name.strip())
    for match in _UPDATE.finditer(text):
        if match[1] in tables:
            yield from ((match[1], column) for column in _SET.findall(match[2]))


def read_plainly(body: str, tables: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give table and column of plain lists: what a function keeps its own names out of cannot be told from others."""
    text = code(body)
    own = {
        name.lower()
        for name in re.findall(
            r"\b(\w+)\s+(?:uuid|text|int|integer|boolean|numeric|record|jsonb?)\b", text, re.IGNORECASE
        )
    }
    for match in _LIST.finditer(text):
        if match[2] in tables:
            listed = {name.strip() for name in match[1].split(",")}
            yield from ((match[2], name) for name in sorted(listed) if name.lower() not in _WORDS | own)


def names(text: str, tables: Collection[str]) -> Mapping[str, str]:
    """Give what each of the tables is called: by its own name, and by an alias that means no other table."""
    meant: dict[str, set[str]] = {}
    for match in _TABLE.finditer(text):
        meant.setdefault(match[2], set()).add(match[1])
    aliases = {alias: next(iter(names)) for alias, names in meant.items() if len(names) == 1}
    return {table: table for table in tables} | {alias: table for alias, table in aliases.items() if table in tables}
