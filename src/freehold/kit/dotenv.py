"""The .env files that front-end tools read, in the form that dotenv 16 understands."""

import re

_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<name>[\w.-]+)(?:[ \t]*=[ \t]*|:[ \t]+)
    (?P<value>[ \t]*'(?:\\'|[^'])*'|[ \t]*"(?:\\"|[^"])*"|[ \t]*`(?:\\`|[^`])*`|[^\#\r\n]*)?
    [ \t]*(?:\#.*)?$""",
    re.MULTILINE | re.VERBOSE,
)


def parse(text: str) -> dict[str, str]:
    """Read names and values; a later line wins. References to other names are kept as written."""
    return {match["name"]: _value(match["value"] or "") for match in _LINE.finditer(text.replace("\r\n", "\n"))}


def names_with_lines(text: str) -> tuple[tuple[str, int], ...]:
    """Give each name with the line on which it stands."""
    return tuple((match["name"], text.count("\n", 0, match.start("name")) + 1) for match in _LINE.finditer(text))


def format_line(name: str, value: str) -> str:
    """Write one line that every dotenv reads back as `value`, without expanding anything in it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", "\\n")
    return f"{name}='{value}'\n" if "'" not in value and "\n" not in value else f'{name}="{escaped}"\n'


def _value(raw: str) -> str:
    value = raw.strip()
    quote = value[:1]
    if quote in ("'", '"', "`") and len(value) > 1 and value.endswith(quote):
        inner = value[1:-1]
        return inner.replace("\\n", "\n").replace("\\r", "\r") if quote == '"' else inner
    return value
