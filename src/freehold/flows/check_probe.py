"""What the live probe saw, as findings: beside the rule that read the same hole, or on its own."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from freehold.core.finding import Finding, Proof, Severity
from freehold.core.ports import Facts
from freehold.data.probe import Observation

STRANGERS = frozenset({"nobody", "anon"})


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """How bad a kind of hole is for strangers and for other users, and which rules read the same."""

    stranger: Severity
    user: Severity
    fix: str
    rules: tuple[str, ...] = ()


_POLICY = "Compare the row's owner with the caller in the policy."
_READ = _Kind(
    stranger="high", user="medium", fix=_POLICY, rules=("table-without-row-security", "personal-data-readable")
)
_WRITE = _Kind(
    stranger="critical",
    user="high",
    fix=_POLICY,
    rules=("table-without-row-security", "write-policy-for-anyone", "write-policy-for-signed-in"),
)
_VIEW = _Kind(
    stranger="high",
    user="medium",
    fix="Make the view ask as its caller (security_invoker), or take the right to use it away.",
    rules=("view-past-row-security", "users-exposed"),
)
_FILE = _Kind(
    stranger="critical",
    user="high",
    fix="Compare the first folder of the file's name with the caller's id.",
    rules=("bucket-writable", "bucket-listable"),
)
_FUNCTION = "Ask auth.uid() inside, or take the right to execute it from anon and authenticated."
_KINDS = {
    "rows-readable": _READ,
    "personal-columns": _READ,
    "secret-columns": replace(_READ, stranger="critical", user="high"),
    "rows-changeable": _WRITE,
    "rows-deletable": _WRITE,
    "rows-forged": replace(_WRITE, stranger="high", user="medium", rules=("table-without-row-security", "open-insert")),
    "rows-insertable": replace(_WRITE, stranger="medium", user="low", rules=("table-without-row-security",)),
    "rows-given-away": replace(_WRITE, stranger="high", user="low", rules=("policy-without-check",)),
    "self-promotion": _Kind(
        stranger="critical",
        user="critical",
        fix="Take the right to write these columns from authenticated.",
        rules=("self-escalation", "role-self-grant"),
    ),
    "sign-up-chooses-role": _Kind(
        stranger="critical", user="critical", fix="Set the role in the trigger, never from what the new user sends."
    ),
    "metadata-trusted": _Kind(
        stranger="critical",
        user="critical",
        fix="Ask app_metadata, or a table that users cannot write.",
        rules=("policy-trusts-user-metadata",),
    ),
    "view-bypasses": _VIEW,
    "materialized-view-bypasses": _VIEW,
    "function-runs-sql": _Kind(stranger="critical", user="critical", fix=_FUNCTION, rules=("function-runs-sql",)),
    "function-injectable": _Kind(
        stranger="critical", user="critical", fix="Quote with format() and %L, or use EXECUTE ... USING."
    ),
    "function-changes": _Kind(stranger="high", user="medium", fix=_FUNCTION, rules=("definer-function-open",)),
    "function-bypasses": _Kind(stranger="high", user="medium", fix=_FUNCTION),
    "files-readable": replace(_FILE, stranger="medium", user="medium"),
    "files-changeable": _FILE,
    "files-deletable": _FILE,
    "files-insertable": replace(_FILE, stranger="high", user="low"),
}
_OTHER = _Kind(stranger="high", user="medium", fix=_POLICY)


def merged(findings: Iterable[Finding], observations: Iterable[Observation], facts: Facts) -> tuple[Finding, ...]:
    """Prove what rules have read, and add what only the probe saw; what statements in doubt made stays possible."""
    groups: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for item in observations:
        if item.hole:
            groups[item.kind, _thing(item.object)].append(item)
    kept = list(findings)
    for (kind, thing), seen in groups.items():
        proofs = tuple(_proofs(thing, seen))
        index = next((number for number, item in enumerate(kept) if _is_same(item, kind, thing)), None)
        doubtful = facts.is_doubtful(_bare(thing))
        if index is None:
            kept.append(_finding(kind, seen, proofs, doubtful=doubtful))
        elif not doubtful:
            kept[index] = replace(kept[index], confidence="proven", proofs=(*kept[index].proofs, *proofs))
    return tuple(kept)


def _finding(kind: str, seen: list[Observation], proofs: tuple[Proof, ...], *, doubtful: bool) -> Finding:
    about = _KINDS.get(kind, _OTHER)
    severity = about.stranger if any(item.actor in STRANGERS for item in seen) else about.user
    if doubtful:
        severity = "medium" if severity in {"critical", "high"} else severity
    return Finding(
        rule=f"probe-{kind}",
        title=_sentence(seen[0].evidence),
        severity=severity,
        confidence="possible" if doubtful else "proven",
        proofs=proofs,
        impact="Tried and seen on the replayed schema, in a transaction that was rolled back: "
        + "; ".join(dict.fromkeys(f"{_who(item.actor)} may {item.action}" for item in seen))
        + ".",
        fix=about.fix,
        owasp="A01:2025",
        asvs=("8.2.2", "8.3.1"),
    )


def _proofs(thing: str, seen: list[Observation]) -> Iterator[Proof]:
    for text in dict.fromkeys(item.evidence for item in seen):
        yield Proof(object=thing, text=f"tried: {text}")


def _is_same(finding: Finding, kind: str, thing: str) -> bool:
    rules = _KINDS.get(kind, _OTHER).rules
    return finding.rule in rules and any(_bare(proof.object) == _bare(thing) for proof in finding.proofs)


def _thing(name: str) -> str:
    return name.removeprefix("storage: ")


def _bare(thing: str) -> str:
    """`orders` of "table public.orders", `pay` of "public.pay(amount integer)", `bills` of "bucket bills"."""
    name = thing.split("(", 1)[0].strip().rsplit(" ", 1)[-1]
    return name.removeprefix("public.").strip('"')


def _who(actor: str) -> str:
    return "anybody" if actor in STRANGERS else "any signed-in user"


def _sentence(text: str) -> str:
    said = text.replace("nobody ", "anybody ", 1) if text.startswith("nobody ") else text
    said = said.replace("other ", "any signed-in user ", 1) if said.startswith("other ") else said
    return said[:1].upper() + said[1:]
