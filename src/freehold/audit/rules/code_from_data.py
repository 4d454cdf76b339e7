"""Programs and commands made of data."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from freehold.audit import proofs, syntax
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="code-from-data",
    family="FH-D02",
    title="Data is run as a program",
    severity="high",
    confidence="likely",
    impact="Whoever controls the data runs his own program: in the browser with the visitor's session, on a "
    "server with its rights.",
    fix="Read data as data (JSON.parse), and start programs with a list of arguments and no shell.",
    owasp="A05:2025",
    asvs=("1.2.5", "1.3.2"),
    silent="RegExp.exec, constants, execFile and spawn with lists, commands whose values do not come from a "
    "request, calculators that test the text against a list of characters first",
)
_TESTED = re.compile(r"\.test\(|\.match\(|\.replace\(\s*/\[\^|sanitize", re.IGNORECASE)


def check(facts: Facts) -> Iterator[Finding]:
    """eval, new Function, and child_process.exec with inserted values."""
    for path, root in syntax.trees(
        facts, facts.code("browser", "server", "function"), "eval(", "new Function(", "child_process"
    ):
        if path.endswith(".py"):
            continue
        found = [proofs.at_node(path, node) for node in _evaluated(root)]
        if "child_process" in facts.text(path):
            names = syntax.inputs(root)
            found += [
                proofs.at_node(path, node)
                for node, given in syntax.calls(root, "exec", "execSync", "execAsync", "execPromise")
                if given and _has_input(given[0], names) and _is_command(node)
            ]
        if found:
            yield card.finding(
                *found, change='execFile("convert", [input, output]);  // no shell, each value its own argument'
            )


def _evaluated(root: SgNode) -> Iterator[SgNode]:
    for node, given in syntax.calls(root, "eval", "Function"):
        called = node.field("function") or node.field("constructor")
        if called is None or called.text() not in ("eval", "Function", "window.eval", "globalThis.eval") or not given:
            continue
        holder = syntax.around(
            node, "function_declaration", "arrow_function", "method_definition", "function_expression"
        )
        if not syntax.is_text(given[-1]) and not _TESTED.search(holder.text() if holder else ""):
            yield node


def _has_input(node: SgNode, names: frozenset[str]) -> bool:
    parts = node.find_all(kind="template_substitution")
    return syntax.is_input(node, names) or any(syntax.is_input(part, names) for part in parts)


def _is_command(node: SgNode) -> bool:
    called = node.field("function")
    return called is not None and (called.kind() == "identifier" or "child_process" in called.text())
