"""What a statement of a dump without comments is about: pg_dump's kind, and schema and name."""

import re

_PART = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_NAME = rf"(?P<name>{_PART}(?:\.{_PART})?)"
_ON = rf"(?P<sub>{_PART}) .*?ON (?:TABLE )?(?:ONLY )?{_NAME}"
_TABLE = rf"ALTER TABLE (?:ONLY )?(?:IF EXISTS )?{_NAME}"
_FORMS = tuple(
    (kind, re.compile(rf"^\s*{pattern}", re.IGNORECASE | re.DOTALL))
    for kind, pattern in (
        ("SCHEMA", rf"CREATE SCHEMA (?:IF NOT EXISTS )?{_NAME}"),
        ("EXTENSION", rf"CREATE EXTENSION (?:IF NOT EXISTS )?{_NAME}"),
        ("TYPE", rf"CREATE TYPE {_NAME}"),
        ("DOMAIN", rf"CREATE DOMAIN {_NAME}"),
        ("FUNCTION", rf"CREATE (?:OR REPLACE )?FUNCTION {_NAME}"),
        ("PROCEDURE", rf"CREATE (?:OR REPLACE )?PROCEDURE {_NAME}"),
        ("AGGREGATE", rf"CREATE AGGREGATE {_NAME}"),
        ("TABLE", rf"CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?{_NAME}"),
        ("MATERIALIZED VIEW DATA", rf"REFRESH MATERIALIZED VIEW {_NAME}"),
        ("MATERIALIZED VIEW", rf"CREATE MATERIALIZED VIEW (?:IF NOT EXISTS )?{_NAME}"),
        ("VIEW", rf"CREATE (?:OR REPLACE )?VIEW {_NAME}"),
        ("SEQUENCE", rf"CREATE SEQUENCE (?:IF NOT EXISTS )?{_NAME}"),
        ("SEQUENCE OWNED BY", rf"ALTER SEQUENCE {_NAME} OWNED BY"),
        ("SEQUENCE SET", r"SELECT pg_catalog\.setval\(\s*(?P<literal>E?'(?:[^']|'')+')"),
        ("SEQUENCE", rf"ALTER TABLE {_NAME} ALTER COLUMN .* ADD GENERATED"),
        ("DEFAULT", rf"{_TABLE} ALTER COLUMN .* SET DEFAULT"),
        ("ROW SECURITY", rf"{_TABLE} (?:ENABLE|FORCE) ROW LEVEL SECURITY"),
        ("TABLE ATTACH", rf"{_TABLE} ATTACH PARTITION"),
        ("FK CONSTRAINT", rf"{_TABLE}\s+ADD CONSTRAINT (?P<sub>{_PART}) FOREIGN KEY"),
        ("CONSTRAINT", rf"{_TABLE}\s+ADD CONSTRAINT (?P<sub>{_PART})"),
        ("INDEX ATTACH", rf"ALTER INDEX {_NAME} ATTACH PARTITION"),
        ("INDEX", rf"CREATE (?:UNIQUE )?INDEX {_ON}"),
        ("TRIGGER", rf"CREATE (?:OR REPLACE )?(?:CONSTRAINT )?TRIGGER {_ON}"),
        ("POLICY", rf"CREATE POLICY {_ON}"),
        ("EVENT TRIGGER", rf"CREATE EVENT TRIGGER {_NAME}"),
        ("PUBLICATION TABLE", rf"ALTER PUBLICATION (?P<sub>{_PART}) ADD TABLE (?:ONLY )?{_NAME}"),
        ("PUBLICATION", rf"CREATE PUBLICATION {_NAME}"),
        ("DEFAULT ACL", r"ALTER DEFAULT PRIVILEGES"),
        ("ACL", rf"(?:GRANT|REVOKE) .*? ON (?:TABLE |FUNCTION |SEQUENCE |SCHEMA |TYPE )?{_NAME}"),
        ("ACL", r"(?:GRANT|REVOKE) "),
        ("COMMENT", rf"COMMENT ON (?:[A-Z]+ )+{_NAME}"),
        ("TABLE DATA", rf"COPY {_NAME}"),
    )
)
_WITHOUT_SCHEMA = frozenset({"SCHEMA", "EXTENSION", "PUBLICATION", "EVENT TRIGGER"})


def named(statement: str) -> tuple[str, str, str, str]:
    """Give kind, schema, name and owner ("" here); a statement of no known form is of kind STATEMENT."""
    for kind, form in _FORMS:
        match = form.match(statement)
        if match is None:
            continue
        groups = match.groupdict()
        if literal := groups.get("literal"):
            groups["name"] = _read(literal)
        schema, name = _split(groups.get("name") or "")
        sub = _plain(groups.get("sub") or "")
        return kind, "" if kind in _WITHOUT_SCHEMA else schema, f"{name} {sub}" if sub else name, ""
    return "STATEMENT", "", statement.split("\n", maxsplit=1)[0][:60], ""


def _read(literal: str) -> str:
    """What stands in quotes."""
    text = literal[literal.index("'") + 1 : -1].replace("''", "'")
    return text.replace("\\\\", "\\") if literal.startswith(("E", "e")) else text


def _split(name: str) -> tuple[str, str]:
    parts = re.findall(_PART, name)
    if len(parts) > 1:
        return _plain(parts[0]), _plain(parts[1])
    return "", _plain(name)


def _plain(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part
