"""A password that browser code compares by itself."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from freehold.audit import proofs, syntax
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="password-in-browser",
    family="FH-A09",
    title="A password stands in browser code",
    severity="high",
    confidence="proven",
    impact="Every visitor can read the password in the app's files, and whatever it opens is open to all.",
    fix="Sign administrators in like other users and let policies decide what they may.",
    owasp="A01:2025",
    asvs=("8.3.1", "6.2.1"),
    silent="comparisons of two fields (password and its repetition), lengths, words such as 'password' as a "
    "type of input, demonstration accounts that are only filled in",
)
_NAME = re.compile(
    r"^(?:\w+\.)*\w*(?:password|passcode|pin_?code|secret_?code|admin_?(?:code|pin|key))\w*$", re.IGNORECASE
)
_NO_PASSWORD = re.compile(
    r"^(password|text|string|true|false|show|hide|visible|confirm|new|reset|sign|weak|strong|medium)", re.IGNORECASE
)


def check(facts: Facts) -> Iterator[Finding]:
    """`password === "..."` in code of the browser; the password is not shown."""
    for path, root in syntax.trees(
        facts, facts.code("browser"), "assword", "asscode", "inCode", "ecretCode", "dminCode", "DMIN_"
    ):
        found = [proofs.at_node(path, node, f"compares {left} with a fixed text") for node, left in _comparisons(root)]
        if found:
            yield card.finding(
                *found, change="const { error } = await supabase.auth.signInWithPassword({ email, password });"
            )


def _comparisons(root: SgNode) -> Iterator[tuple[SgNode, str]]:
    constants = {
        name.text(): value
        for item in root.find_all(kind="variable_declarator")
        if (name := item.field("name")) is not None
        and (value := item.field("value")) is not None
        and syntax.is_text(value)
    }
    for node in root.find_all(kind="binary_expression"):
        left, right, sign = node.field("left"), node.field("right"), node.field("operator")
        if left is None or right is None or sign is None or sign.text() not in ("===", "==", "!==", "!="):
            continue
        value = constants.get(right.text(), right)
        text = value.text()[1:-1] if syntax.is_text(value) else ""
        if _NAME.match(left.text()) and len(text) > 3 and not _NO_PASSWORD.match(text):  # noqa: PLR2004 - shorter is no password
            yield node, left.text()
