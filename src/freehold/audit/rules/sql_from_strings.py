"""SQL put together from values."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from freehold.audit import proofs, syntax
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="sql-from-strings",
    family="FH-D02",
    title="SQL is put together from values",
    severity="high",
    confidence="likely",
    impact="A caller who controls a value changes the statement: reads other tables, changes or deletes rows.",
    fix="Send values as parameters.",
    owasp="A05:2025",
    asvs=("1.2.4",),
    silent="tagged templates (sql`...`), constants, templates whose inserted parts are placeholders such as "
    "$1, code that is no SQL",
)
_SQL = re.compile(
    r"^[\s`\"'f(]*(select\s.+\sfrom|insert\s+into|update\s+\S+\s+set|delete\s+from)",
    re.IGNORECASE | re.DOTALL,
)
_SAFE_PART = re.compile(
    r"^\$\{\s*(?:[\w.]*(?:placeholders?|columns?|fields?|table\w*|index|idx|paramCount|conditions?|where\w*|clauses?|sets?|updates"
    r"|setClause|order\w*|direction|limit|offset|i|n|sets?|keys|select\w*|filters?)(?:\.join\([^)]*\)|\.length)?(?:\s*\+\s*\d)?|(?-i:[A-Z_]+)"
    r"|.*\.(?:map|join)\(.*)\s*\}$",
    re.DOTALL | re.IGNORECASE,
)
_VALUE = re.compile(r"(?:=|<|>|\blike|\bin\s*\(|values\s*\([^)]*)\s*['\"]?%?['\"]?\s*$", re.IGNORECASE)
"""What stands before a value, and not before the name of a table or column."""
_CALLS = ("query", "execute", "unsafe", "raw", "$queryRawUnsafe", "$executeRawUnsafe", "exec", "prepare", "all", "run")


def check(facts: Facts) -> Iterator[Finding]:
    """Calls that take SQL, with a template or a sum of strings as first argument."""
    for path, root in syntax.trees(facts, facts.code("server", "function"), *_CALLS, "rpc("):
        if path.endswith(".py"):
            continue
        found = [
            proofs.at_node(path, node)
            for node, given in syntax.calls(root, *_CALLS)
            if given and _is_composed(given[0])
        ]
        found += [
            proofs.at_node(path, node)
            for node, given in syntax.calls(root, "rpc")
            if len(given) > 1 and _composes(given)
        ]
        if found:
            yield card.finding(*found, change='await client.query("select * from orders where id = $1", [id]);')


def _is_composed(node: SgNode) -> bool:
    written = node.text()
    if not _SQL.match(written):
        return False
    if node.kind() == "template_string":
        before = ""
        for part in node.children():
            inserted = part.kind() == "template_substitution"
            if inserted and _VALUE.search(before) and not _SAFE_PART.match(part.text()):
                return True
            before += part.text()
        return False
    if node.kind() == "binary_expression":
        left, right = node.field("left"), node.field("right")
        return (
            left is not None
            and right is not None
            and not syntax.is_text(right)
            and bool(_VALUE.search(left.text().rstrip("\"'`")))
        )
    return False


def _composes(given: list[SgNode]) -> bool:
    """rpc("exec_sql", { query: `... ${x}` })."""
    if not re.search(r"exec|sql|query", given[0].text(), re.IGNORECASE):
        return False
    return any(_is_composed(node) for node in given[1].find_all(kind="template_string"))
