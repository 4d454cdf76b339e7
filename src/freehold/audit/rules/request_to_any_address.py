"""A server that fetches whatever address its caller sends, or that users have stored."""

import re
from collections.abc import Callable, Iterator
from functools import partial

from ast_grep_py import SgNode

from freehold.audit import catalogue, proofs, syntax
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

card = Card(
    id="request-to-any-address",
    family="FH-A11",
    title="A server fetches any address that its caller sends",
    severity="medium",
    confidence="likely",
    impact="A caller can make your server ask internal services and the cloud's metadata, and read the answers.",
    fix="Compare the host with a list, refuse private addresses, and do not follow redirects.",
    owasp="A01:2025",
    asvs=("1.3.6", "15.3.2"),
    silent="addresses whose host the source fixes, files that compare the host, test for private addresses or "
    "have a list, stored addresses in tables that users may not write",
)
_GUARD = re.compile(
    r"\b(?:hostname|host)\b[\s)]*(?:===?|!==?|\.(?:endsWith|startsWith|includes|match)\b)"
    r"|\.(?:has|includes|test|some)\([^;\n]{0,60}\.(?:hostname|host)\b|allowed_?(?:host|domain|url)|allow_?list|white_?list|blocklist|blocked_?hosts"
    r"|is_?private|private_?(?:ip|address|host|network)|is_?safe_?url|validate_?url|ssrf|safe_?fetch|guarded_?fetch"
    r"|startsWith\(\s*[\"'`]https://\w|169\.254",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(^|_)(url|uri|endpoint|webhook|link|website|href|feed)s?$|[a-z](Url|Uri|Endpoint|Link)$")
_READ = re.compile(r"""\.from\(\s*["'`](\w+)["'`][^;]{0,80}?\.select\(\s*["'`]([^"'`]*)["'`]""")
_HANDLER = re.compile(r"\.handler\s*\(\s*async\s*\(\s*\{[^}]*\bdata\b")
_SINK = re.compile(
    r"^(?:(?:globalThis|window|self)\.)?fetch$|^(?:axios|got)(?:\.(?:get|post|put|patch|head|request))?$"
)
_NEVER = re.compile(r"(?!)")
_DEPTH = 3
_CHANGE = """const target = new URL(url);
const known = target.protocol === "https:" && ALLOWED_HOSTS.has(target.hostname);
if (!known) return new Response("Bad address", { status: 400 });
await fetch(target, { redirect: "manual" });"""


def check(facts: Facts) -> Iterator[Finding]:
    """Fetch and axios in functions and servers, and functions of the same file that fetch what they are given."""
    sent: list[Proof] = []
    stored: list[Proof] = []
    for path, root in syntax.trees(facts, facts.code("server", "function"), "fetch(", "axios"):
        text = facts.text(path)
        if path.endswith(".py") or _GUARD.search(text):
            continue
        names = syntax.inputs(root, known=("data",) if _HANDLER.search(text) else ())
        from_caller = _reached(root, partial(syntax.is_input, names=names))
        sent += [proofs.at_node(path, node) for node in from_caller]
        if from_caller:
            continue
        columns = _stored_columns(facts, text)
        if columns:
            kept = _kept_names(root, columns)
            stored += [
                proofs.at_node(path, node) for node in _reached(root, partial(_is_stored, names=kept, columns=columns))
            ]
    if sent:
        yield card.finding(*sent, change=_CHANGE)
    if stored:
        yield card.finding(
            *stored,
            title="A server fetches addresses that users have stored",
            severity="low",
            confidence="possible",
            change=_CHANGE,
        )


def _reached(root: SgNode, is_source: Callable[[SgNode], bool]) -> list[SgNode]:
    """Give the calls that fetch such a value, or hand it to a function that does."""
    fetchers = _fetchers(root)
    found = []
    for node, called, given in _calls(root):
        if any(place < len(given) and is_source(given[place]) for place in _places(called, fetchers)):
            found.append(node)
    return found


def _calls(root: SgNode) -> Iterator[tuple[SgNode, str, list[SgNode]]]:
    """Calls with what is called as written: `fetch`, `axios.get`, a function of the file."""
    for node in root.find_all(kind="call_expression"):
        called = node.field("function")
        if called is not None:
            yield node, called.text(), syntax.arguments(node)


def _fetchers(root: SgNode) -> dict[str, frozenset[int]]:
    """Name the functions that fetch a parameter, with its place; those that hand it to another such one too."""
    functions = [(name, parameters, node, [*_calls(node)]) for name, parameters, node in syntax.functions(root)]
    found: dict[str, frozenset[int]] = {}
    for _ in range(_DEPTH):
        before = len(found)
        for name, parameters, node, calls in functions:
            wanted = [(_places(called, found), given) for _, called, given in calls if _places(called, found)]
            if wanted and name not in found:
                places = frozenset(
                    place for place, item in enumerate(parameters) if item and _flows(node, item, wanted)
                )
                found |= {name: places} if places else {}
        if len(found) == before:
            break
    return found


def _places(called: str, known: dict[str, frozenset[int]]) -> frozenset[int]:
    return frozenset({0}) if _SINK.match(called) else known.get(called, frozenset())


def _flows(function: SgNode, parameter: str, calls: list[tuple[frozenset[int], list[SgNode]]]) -> bool:
    """Say whether a function hands its parameter, as it is, to one of the calls."""
    held = syntax.inputs(function, _NEVER, (parameter,))
    return any(
        place < len(given) and syntax.is_input(given[place], held, _NEVER)
        for places, given in calls
        for place in places
    )


def _stored_columns(facts: Facts, text: str) -> frozenset[str]:
    """Columns with addresses that the file selects from tables that users may write."""
    found: set[str] = set()
    for match in _READ.finditer(text):
        if _users_write(facts, match[1]):
            found.update(name for name in re.findall(r"\w+", match[2]) if _ADDRESS.search(name))
    return frozenset(found)


def _users_write(facts: Facts, table: str) -> bool:
    row = catalogue.table(facts, table)
    if row is None:
        return bool(catalogue.tables(facts))  # made where no migration shows it; without a schema nothing is said
    if not row["row_security"]:
        return True
    return any(
        policy["name"] == table
        and policy["permissive"]
        and policy["command"] in ("INSERT", "UPDATE", "ALL")
        and frozenset(policy["roles"]) & (catalogue.ANYONE | catalogue.SIGNED_IN)
        and not re.search(r"admin|service_role", policy["check_text"] + policy["using_text"], re.IGNORECASE)
        for policy in catalogue.policies(facts)
    )


def _kept_names(root: SgNode, columns: frozenset[str]) -> frozenset[str]:
    """Names that hold such a column's value."""
    return frozenset(
        name.text()
        for node in root.find_all(kind="variable_declarator")
        if (name := node.field("name")) is not None
        and name.kind() == "identifier"
        and (value := node.field("value")) is not None
        and _is_stored(value, frozenset(), columns)
    )


def _is_stored(node: SgNode, names: frozenset[str], columns: frozenset[str]) -> bool:
    if node.kind() == "identifier":
        return node.text() in names
    if node.kind() == "member_expression":
        return syntax.last_name(node) in columns
    return node.kind() in ("as_expression", "non_null_expression", "parenthesized_expression") and any(
        _is_stored(child, names, columns) for child in node.children() if child.is_named()
    )
