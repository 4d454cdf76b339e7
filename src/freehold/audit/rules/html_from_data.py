"""HTML made of data and put into the page as it is."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from freehold.audit import proofs, syntax
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="html-from-data",
    family="FH-D01",
    title="Data is put into the page as HTML",
    severity="medium",
    confidence="likely",
    impact="Whoever writes that data (another user, or an AI model's answer) runs scripts in the visitor's "
    "session and takes his token.",
    fix="Clean it with DOMPurify, or show it as text.",
    owasp="A05:2025",
    asvs=("1.2.1", "1.3.1"),
    silent="constants, JSON-LD by JSON.stringify, styles of the chart component, cleaned HTML, names that say "
    "sanitized or highlighted",
)
_CLEAN = re.compile(
    r"purify|sanitiz|escapeHtml|\bxss\(|JSON\.stringify|highlight|katex|renderToString|hljs|shiki|prism|\bt\(|i18n",
    re.IGNORECASE,
)
_CONSTANT = re.compile(r"^[A-Z][A-Z0-9_.]*$")
_DATA = re.compile(
    r"content|html|body|message|text|description|bio|comment|answer|response|post|note|article|result|data|markdown|summary|item\.",
    re.IGNORECASE,
)


def check(facts: Facts) -> Iterator[Finding]:
    """DangerouslySetInnerHTML and innerHTML."""
    for path, root in syntax.trees(facts, facts.code("browser", "server"), "dangerouslySetInnerHTML", "innerHTML"):
        if path.endswith(".py"):
            continue
        text = facts.text(path)
        found = [
            proofs.at_node(path, node)
            for node, value in _sinks(root, is_page=path.endswith("x"))
            if _is_data(value, root, text)
        ]
        if found:
            yield card.finding(*found, change="dangerouslySetInnerHTML={{ __html: DOMPurify.sanitize(html) }}")


def _sinks(root: SgNode, *, is_page: bool) -> Iterator[tuple[SgNode, SgNode]]:
    for attribute in root.find_all(kind="jsx_attribute") if is_page else ():
        if attribute.text().startswith("dangerouslySetInnerHTML"):
            for pair in attribute.find_all(kind="pair"):
                key, value = pair.field("key"), pair.field("value")
                if key is not None and value is not None and key.text() == "__html":
                    yield attribute, value
    for assignment in root.find_all(kind="assignment_expression"):
        left, right = assignment.field("left"), assignment.field("right")
        if left is not None and right is not None and left.text().endswith(".innerHTML"):
            yield assignment, right


def _is_data(value: SgNode, root: SgNode, text: str) -> bool:
    written = value.text()
    if syntax.is_text(value) or _CONSTANT.match(written) or _CLEAN.search(written):
        return False
    if value.kind() == "identifier":
        declared = [
            item.field("value")
            for item in root.find_all(kind="variable_declarator")
            if (name := item.field("name")) is not None and name.text() == written
        ]
        if any(item is not None and (syntax.is_text(item) or _CLEAN.search(item.text())) for item in declared):
            return False
    if "THEMES" in written or ("DOMPurify" in text and "sanitize" in text and value.kind() == "call_expression"):
        return False
    inserted = " ".join(part.text() for part in value.find_all(kind="template_substitution"))
    return bool(_DATA.search(inserted if value.kind() == "template_string" else written))
