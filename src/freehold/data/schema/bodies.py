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
_TABLE = re.compile(
    r'\b(?:from|join|update|into)\s+(?:only\s+)?(?:public\.)?"?(\w+)"?(?:\s+as)?\s+(\w+)', re.IGNORECASE
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


def used(body: str, tables: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give table and column of every use that can be told from the text of one body."""
    code = _NOT_CODE.sub(" ", body)
    for name, table in _names(code, tables).items():
        for column in re.findall(rf"\b{re.escape(name)}\.(\w+)\b(?!\s*\()", code):
            yield table, column
    for match in _INSERT.finditer(code):
        if match[1] in tables:
            yield from ((match[1], name.strip().strip('"')) for name in match[2].split(",") if name.strip())
    for match in _UPDATE.finditer(code):
        if match[1] in tables:
            yield from ((match[1], column) for column in _SET.findall(match[2]))


def read_plainly(body: str, tables: Collection[str]) -> Iterator[tuple[str, str]]:
    """Give table and column of plain lists: what a function keeps its own names out of cannot be told from others."""
    code = _NOT_CODE.sub(" ", body)
    own = {
        name.lower()
        for name in re.findall(
            r"\b(\w+)\s+(?:uuid|text|int|integer|boolean|numeric|record|jsonb?)\b", code, re.IGNORECASE
        )
    }
    for match in _LIST.finditer(code):
        if match[2] in tables:
            names = {name.strip() for name in match[1].split(",")}
            yield from ((match[2], name) for name in sorted(names) if name.lower() not in _WORDS | own)


def _names(code: str, tables: Collection[str]) -> Mapping[str, str]:
    """Give what each of the tables is called: by its own name, and by an alias that means no other table."""
    meant: dict[str, set[str]] = {}
    for match in _TABLE.finditer(code):
        meant.setdefault(match[2], set()).add(match[1])
    aliases = {alias: next(iter(names)) for alias, names in meant.items() if len(names) == 1}
    return {table: table for table in tables} | {alias: table for alias, table in aliases.items() if table in tables}
