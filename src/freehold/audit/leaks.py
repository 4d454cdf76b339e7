"""Every credential in the published files and the history of an app, each value once with all its places."""

import re
from dataclasses import dataclass, field

from freehold.audit import proofs
from freehold.audit.credentials import Credential, credentials
from freehold.core.finding import Card, Finding, Proof
from freehold.core.ports import Facts

_LOCK_FILES = ("package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "deno.lock", ".svg", ".map")
_DOCUMENTS = (".md", ".mdx", ".txt", ".rst", ".example", ".sample", ".template")
_OFTEN_EXAMPLES = frozenset({"database password", "private key"})
"""What documents and pasted texts are full of: those may be invented."""
_SHOWN_COMMITS = 5
_TESTS = re.compile(r"(^|/)(tests?|__tests__|e2e|fixtures?|spec)/|\.(test|spec)\.")
ROTATE = (
    "Make a new key at the provider and revoke this one; taking it out of the files does not take it out of history."
)


@dataclass
class Leak:
    """One credential. `files` are places in the working tree, `history` in former versions."""

    credential: Credential
    files: list[Proof] = field(default_factory=list)
    history: list[Proof] = field(default_factory=list)


def leaks(facts: Facts) -> tuple[Leak, ...]:
    """Find them all."""
    found: dict[str, Leak] = {}
    for path in facts.files:
        if path.endswith(_LOCK_FILES) or not facts.is_published(path):
            continue
        text = facts.text(path)
        for credential in credentials(text):
            leak = found.setdefault(credential.value, Leak(credential))
            leak.files.append(proofs.at(path, text, credential.start, credential.shown))
    _add_history(facts, found)
    return tuple(found.values())


def values(facts: Facts) -> tuple[str, ...]:
    """The secret values themselves, so that nothing that is printed holds one."""
    return tuple(leak.credential.value for leak in facts.once(leaks))


def reported(facts: Facts, card: Card, kinds: frozenset[str] | None, others: frozenset[str]) -> list[Finding]:
    """One finding a credential of these kinds (None: all but the others)."""
    return [
        _finding(card, leak)
        for leak in facts.once(leaks)
        if (leak.credential.kind in kinds if kinds is not None else leak.credential.kind not in others)
        and not _is_only_in_tests(leak)
    ]


def _finding(card: Card, leak: Leak) -> Finding:
    kind = leak.credential.kind
    if not leak.credential.sure:
        return card.finding(*leak.files, *leak.history, severity="medium", confidence="possible", change=ROTATE)
    is_written_about = all(proof.path.endswith(_DOCUMENTS) for proof in (*leak.files, *leak.history))
    if kind in _OFTEN_EXAMPLES and is_written_about:
        return card.finding(*leak.files, *leak.history, severity="medium", confidence="possible", change=ROTATE)
    if not leak.files:
        title = (
            f"A {kind} stands in the git history" if kind[0] not in "AEIO" else f"An {kind} stands in the git history"
        )
        return card.finding(*leak.history, title=title, severity="high", change=ROTATE)
    article = "An" if kind[0] in "AEIO" else "A"
    return card.finding(*leak.files, *leak.history, title=f"{article} {kind} stands in the sources", change=ROTATE)


def _is_only_in_tests(leak: Leak) -> bool:
    """Invented keys are what tests are full of: only those that cannot be invented count there."""
    return not leak.credential.sure and all(_TESTS.search(proof.path) for proof in (*leak.files, *leak.history))


def _add_history(facts: Facts, found: dict[str, Leak]) -> None:
    commits = 0
    for former in facts.history:
        for credential in credentials(former.text):
            leak = found.setdefault(credential.value, Leak(credential))
            if leak.files or leak.history:
                continue
            commits += 1
            commit = facts.commit_of(former) if commits <= _SHOWN_COMMITS else former.blob[:10]
            place = proofs.at(former.path, former.text, credential.start, credential.shown)
            leak.history.append(Proof(path=place.path, line=place.line, text=place.text, commit=commit))
