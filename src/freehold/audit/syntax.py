"""Reading syntax trees: calls, names, and what came from the caller of a server as it was sent."""

import re
from collections.abc import Iterable, Iterator

from ast_grep_py import SgNode

from freehold.audit.facts import LARGEST_CODE_BYTES
from freehold.core.ports import Facts

REQUEST = re.compile(
    r"\b(?:req|request|ctx\.req|c\.req|event)\s*\.\s*(?:json\s*\(|body\b|query\b|params\b|formData\s*\(|text\s*\()"
    r"|\bsearchParams\s*\.\s*get\s*\(|JSON\.parse\s*\(\s*event\.body"
)
"""Expressions that give what the caller of a server sent."""
_WRAPPERS = frozenset(
    {
        "await_expression",
        "parenthesized_expression",
        "as_expression",
        "non_null_expression",
        "satisfies_expression",
        "type_assertion",
    }
)
_PASSES = re.compile(r"^(?:String|decodeURIComponent|encodeURI|z\.\w+\(\)\.parse|\w*[sS]chema\.parse)$")
_KEEPS = frozenset({"trim", "toString", "toLowerCase", "replace", "get", "parse", "json", "data", "text"})


def trees(facts: Facts, paths: Iterable[str], *words: str) -> Iterator[tuple[str, SgNode]]:
    """Parse the files that hold any of the words; generated giants are left out."""
    for path in paths:
        text = facts.text(path)
        if len(text) <= LARGEST_CODE_BYTES and any(word in text for word in words):
            yield path, facts.tree(path)


def calls(root: SgNode, *names: str) -> Iterator[tuple[SgNode, list[SgNode]]]:
    """Calls and `new` of a function or method of these names (the last part counts), with their arguments."""
    wanted = frozenset(names)
    for kind in ("call_expression", "new_expression"):
        for node in root.find_all(kind=kind):
            called = node.field("function") or node.field("constructor")
            if called is not None and last_name(called) in wanted:
                yield node, arguments(node)


def arguments(call: SgNode) -> list[SgNode]:
    """A call's arguments, without punctuation and comments."""
    holder = call.field("arguments")
    if holder is None:
        return []
    return [child for child in holder.children() if child.is_named() and child.kind() != "comment"]


def last_name(node: SgNode) -> str:
    """The last part of a dotted name: `fetch`, or `query` of `db.query`."""
    part = node.field("property") if node.kind() == "member_expression" else node
    return part.text() if part is not None else ""


def is_text(node: SgNode) -> bool:
    """Whether it is a string that the source fixes."""
    if node.kind() == "template_string":
        return not any(child.kind() == "template_substitution" for child in node.children())
    return node.kind() == "string"


def inputs(root: SgNode, source: re.Pattern[str] = REQUEST, known: Iterable[str] = ()) -> frozenset[str]:
    """Names that hold what the caller sent, as he sent it: from the request, `known`, or another such name."""
    names: set[str] = set(known)
    declared = [(node.field("name"), node.field("value")) for node in root.find_all(kind="variable_declarator")]
    assigned = [(node.field("left"), node.field("right")) for node in root.find_all(kind="assignment_expression")]
    declared += [(left, right) for left, right in assigned if left is not None and left.kind() == "identifier"]
    for _ in range(3):
        before = len(names)
        for name, value in declared:
            if name is not None and value is not None and is_input(value, names, source):
                names.update(_bound(name))
        if len(names) == before:
            break
    return frozenset(names)


def is_input(node: SgNode, names: Iterable[str], source: re.Pattern[str] = REQUEST) -> bool:
    """Whether an expression is what the caller sent, whole or from its first character on."""
    kind = node.kind()
    if kind == "identifier":
        return node.text() in names
    if kind in _WRAPPERS or kind == "template_substitution":
        return any(is_input(child, names, source) for child in node.children() if child.is_named())
    if kind == "template_string":
        first = next((child for child in node.children() if child.is_named()), None)
        return first is not None and first.kind() == "template_substitution" and is_input(first, names, source)
    if kind in ("member_expression", "subscript_expression"):
        inner = node.field("object")
        return bool(source.search(node.text()[:200])) or (inner is not None and is_input(inner, names, source))
    if kind == "binary_expression":
        left = node.field("left")
        return left is not None and is_input(left, names, source)
    return kind in ("call_expression", "new_expression") and _call_is_input(node, names, source)


def _call_is_input(node: SgNode, names: Iterable[str], source: re.Pattern[str]) -> bool:
    called = node.field("function") or node.field("constructor")
    if called is None:
        return False
    if source.search(node.text()[:200]) and called.kind() == "member_expression":
        return True
    given = arguments(node)
    if called.kind() == "member_expression" and last_name(called) in _KEEPS:
        inner = called.field("object")
        if inner is not None and is_input(inner, names, source):
            return True
    passes = bool(_PASSES.match(called.text())) or called.text() == "URL"
    return passes and bool(given) and is_input(given[0], names, source)


def _bound(pattern: SgNode) -> Iterator[str]:
    if pattern.kind() == "identifier":
        yield pattern.text()
        return
    for child in pattern.children():
        if child.kind() in ("identifier", "shorthand_property_identifier_pattern"):
            yield child.text()
        elif child.kind() == "pair_pattern":
            value = child.field("value")
            if value is not None:
                yield from _bound(value)
        elif child.kind() in ("object_assignment_pattern", "assignment_pattern", "object_pattern", "rest_pattern"):
            yield from _bound(child)


def functions(root: SgNode) -> Iterator[tuple[str, list[str], SgNode]]:
    """Functions of a file by name, with the plain names of their parameters ("" for a pattern), and their nodes."""
    for node in root.find_all(kind="function_declaration"):
        name = node.field("name")
        if name is not None:
            yield name.text(), _parameters(node), node
    for node in root.find_all(kind="variable_declarator"):
        name, value = node.field("name"), node.field("value")
        if name is not None and value is not None and value.kind() in ("arrow_function", "function_expression"):
            yield name.text(), _parameters(value), value


def _parameters(function: SgNode) -> list[str]:
    single = function.field("parameter")
    if single is not None:
        return [single.text()]
    holder = function.field("parameters")
    found = []
    for child in holder.children() if holder is not None else ():
        if child.is_named() and child.kind() != "comment":
            pattern = child.field("pattern") or child
            found.append(pattern.text() if pattern.kind() == "identifier" else "")
    return found


def around(node: SgNode, *kinds: str) -> SgNode | None:
    """The nearest ancestor of one of the kinds."""
    return next((item for item in node.ancestors() if item.kind() in kinds), None)
