"""Where SQL statements end, line by line, so that a dump of any size is read with little memory."""

import re

_TOKEN = re.compile(
    r"(?P<string>[eE]?')|(?P<quoted>\")|(?P<dollar>\$(?:[A-Za-z_\x80-\uffff][\w]*)?\$)|(?P<line>--)|(?P<block>/\*)|(?P<end>;)"
)
_ATOMIC = re.compile(r"\bBEGIN\s+ATOMIC\b", re.IGNORECASE)
_ATOMIC_END = re.compile(r"(^|\n)END\s*$", re.IGNORECASE)


class Splitter:
    """Keeps the open statement; text is fed in whole lines."""

    def __init__(self) -> None:
        """Nothing is open."""
        self._parts: list[str] = []
        self._until = ""
        self._depth = 0
        self.length = 0

    @property
    def start(self) -> str:
        """How the open statement begins, for errors."""
        return "".join(self._parts).strip()[:120]

    def is_empty(self) -> bool:
        """Whether no statement is open."""
        return not self._until and not "".join(self._parts).strip()

    def feed(self, text: str) -> list[str]:
        """Give the statements that end in this line, without their semicolons."""
        found, place, begun = [], 0, 0
        while place < len(text):
            if self._until:
                place = self._pass(text, place)
                continue
            token = _TOKEN.search(text, place)
            if token is None:
                break
            place = token.end()
            if token.lastgroup == "end":
                self._parts.append(text[begun : token.start()])
                begun = place
                statement = "".join(self._parts).strip()
                if _ATOMIC.search(statement) and not _ATOMIC_END.search(statement):
                    self._parts.append(";")
                    continue
                self._parts, self.length = [], 0
                found += [statement] if statement else []
            else:
                self._open(token)
        self._parts.append(text[begun:])
        self.length += len(text)
        return found

    def _open(self, token: re.Match[str]) -> None:
        if token.lastgroup == "block":
            self._depth = 1
        endings = {"string": "e'" if token[0] in ("e'", "E'") else "'", "quoted": '"', "line": "\n", "block": "*/"}
        self._until = endings.get(token.lastgroup or "", token[0])

    def _pass(self, text: str, place: int) -> int:
        """Go on inside a string, a comment or a dollar quote; gives where it ends, or the end of the text."""
        if self._until == "*/":
            return self._pass_comment(text, place)
        if self._until == "e'":
            match = re.compile(r"(?:[^'\\]|\\.|'')*'", re.DOTALL).match(text, place)
            found = match.end() if match else -1
        else:
            at = text.find(self._until, place)
            found = at + len(self._until) if at >= 0 else -1
        if found < 0:
            return len(text)
        self._until = ""
        return found

    def _pass_comment(self, text: str, place: int) -> int:
        for mark in re.compile(r"/\*|\*/").finditer(text, place):
            self._depth += 1 if mark[0] == "/*" else -1
            if self._depth == 0:
                self._until = ""
                return mark.end()
        return len(text)
