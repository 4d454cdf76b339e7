"""Source text without its comments, offsets and lines kept: what a comment says the app does not do."""

import re

# A string is matched first, so that // inside one is no comment. A template is taken whole: calls inside ${} stay.
_TOKEN = re.compile(
    r"""(?P<keep>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)
    |(?P<drop>/\*.*?\*/|(?<![:\\/'"`(\[])//[^\n]*)""",
    re.VERBOSE | re.DOTALL,
)
_NOT_NEWLINE = re.compile(r"[^\n]")


def without_comments(text: str) -> str:
    """Blank out // and /* */ comments; everything else stays where it is."""
    if "//" not in text and "/*" not in text:
        return text
    return _TOKEN.sub(_blank, text)


def _blank(match: re.Match[str]) -> str:
    return match[0] if match["keep"] is not None else _NOT_NEWLINE.sub(" ", match[0])
