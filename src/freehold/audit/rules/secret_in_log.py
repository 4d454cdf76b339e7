"""Secrets that are written into the log."""

import re
from collections.abc import Iterator

from ast_grep_py import SgNode

from freehold.audit import environment, proofs, syntax
from freehold.core.finding import Card, Finding
from freehold.core.ports import Facts

card = Card(
    id="secret-in-log",
    family="FH-F02",
    title="A secret is written into the log",
    severity="medium",
    confidence="likely",
    impact="Whoever may read logs, and every service they are sent to, has the secret.",
    fix="Log that it is set, not what it is.",
    owasp="A09:2025",
    asvs=("16.2.5",),
    silent="names in texts, `!!secret`, lengths, prefixes of a few characters, whether a value is there",
)
_LOGS = ("console.log", "console.info", "console.error", "console.debug", "console.warn", "logger.info", "logger.debug")
_PASSWORD = re.compile(r"^(?:\w+\.)*(password|passwd|newPassword|userPassword)$")
_ENVIRONMENT = re.compile(r"^(?:Deno\.env\.get\(\s*[\"'`](?P<deno>\w+)[\"'`]\s*\)|process\.env\.(?P<node>\w+))!?$")


def check(facts: Facts) -> Iterator[Finding]:
    """Values of secret names and passwords among the arguments of a log call."""
    paths = facts.code("server", "function", "browser")
    for path, root in syntax.trees(facts, paths, "console.", "logger."):
        text = facts.text(path)
        if path.endswith(".py") or not ("env" in text or "assword" in text):
            continue
        secret = _secret_names(root)
        found = [
            proofs.at_node(path, node, f"{node.field('function').text()} writes a secret")  # type: ignore[union-attr]
            for node, given in syntax.calls(root, "log", "info", "error", "debug", "warn")
            if (called := node.field("function")) is not None
            and called.text() in _LOGS
            and any(_is_secret(part, secret) for item in given for part in _parts(item))
        ]
        if found:
            yield card.finding(*found, change='console.log("key is set:", Boolean(key));')


def _secret_names(root: SgNode) -> frozenset[str]:
    names = set()
    for item in root.find_all(kind="variable_declarator"):
        name, value = item.field("name"), item.field("value")
        if name is not None and value is not None and _is_secret_read(value.text()):
            names.add(name.text())
    return frozenset(names)


def _is_secret_read(text: str) -> bool:
    match = _ENVIRONMENT.match(text)
    return bool(match) and environment.is_secret_name(match["deno"] or match["node"])  # type: ignore[index]


def _parts(node: SgNode) -> Iterator[SgNode]:
    if node.kind() == "template_string":
        for part in node.children():
            if part.kind() == "template_substitution":
                yield from (child for child in part.children() if child.is_named())
    else:
        yield node


def _is_secret(node: SgNode, names: frozenset[str]) -> bool:
    text = node.text()
    return text in names or _is_secret_read(text) or bool(_PASSWORD.match(text))
