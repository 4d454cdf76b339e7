"""What the live probe saw, as findings: beside the rule that read the same hole, or on its own."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from freehold.audit import catalogue
from freehold.core.finding import Finding, Proof
from freehold.core.ports import Facts
from freehold.data.probe import Observation
from freehold.flows.check_probe_kinds import GROUPED, KINDS, OTHER, TOGETHER

STRANGERS = frozenset({"nobody", "anon"})
_CALLED = re.compile(r"^(?P<object>\S+\(.*?\)) runs with its owner's rights and (?P<does>.*)$", re.DOTALL)
_OTHER = re.compile(
    r"^other(?= (?:reads|changes|deletes|adds|lists|overwrites|uploads|with)\b)|(?<=gives )other\b|(?<=lets )other\b"
)


def merged(findings: Iterable[Finding], observations: Iterable[Observation], facts: Facts) -> tuple[Finding, ...]:
    """Prove what rules have read, and add what only the probe saw; what statements in doubt made stays possible."""
    groups: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for item in observations:
        if item.hole:
            kind = TOGETHER.get(item.kind, item.kind)
            groups[kind, "" if kind in GROUPED else _thing(item.object)].append(item)
    kept = list(findings)
    for (kind, thing), seen in groups.items():
        proofs = tuple(_proofs(seen))
        index = next((number for number, item in enumerate(kept) if thing and _is_same(item, kind, thing)), None)
        doubtful = all(facts.is_doubtful(_bare(item.object)) for item in seen)
        if index is None:
            kept.append(_finding(kind, seen, proofs, doubtful=doubtful))
        elif not doubtful:
            kept[index] = replace(kept[index], confidence="proven", proofs=(*kept[index].proofs, *proofs))
    return tuple(kept)


def _finding(kind: str, seen: list[Observation], proofs: tuple[Proof, ...], *, doubtful: bool) -> Finding:
    about = KINDS.get(kind, OTHER)
    severity = about.stranger if any(item.actor in STRANGERS for item in seen) else about.user
    if kind == "files-readable" and all(catalogue.SHOWN.search(_bare(item.object)) for item in seen):
        severity = "low"
    if doubtful:
        severity = "medium" if severity in {"critical", "high"} else severity
    return Finding(
        rule=f"probe-{kind}",
        title=_title(kind, seen),
        severity=severity,
        confidence="possible" if doubtful else "proven",
        proofs=proofs,
        impact="Tried and seen on the replayed schema, in a transaction that was rolled back: "
        + "; ".join(dict.fromkeys(f"{_who(item.actor)} may {_act(item.action)}" for item in seen))
        + ".",
        fix=about.fix,
        owasp="A01:2025",
        asvs=("8.2.2", "8.3.1"),
        change="\n".join(dict.fromkeys(_revoked(item.object) for item in seen)) if about.revoked else "",
    )


def _title(kind: str, seen: list[Observation]) -> str:
    objects = list(dict.fromkeys(item.object for item in seen))
    if kind in GROUPED and len(objects) > 1:
        return GROUPED[kind].format(count=len(objects), names=", ".join(_bare(item) for item in objects[:6]))
    title = _sentence(seen[0].evidence)
    others = [item.action for item in seen[1:] if item.action != seen[0].action and item.actor == seen[0].actor]
    return title.replace(f" {seen[0].action}s ", f" {seen[0].action}s and {others[0]}s ", 1) if others else title


def _revoked(function: str) -> str:
    return f"revoke execute on function {function} from public, anon, authenticated;"


def _proofs(seen: list[Observation]) -> Iterator[Proof]:
    for item in {one.evidence: one for one in reversed(seen)}.values():
        called = _CALLED.match(item.evidence)
        said = f"runs with its owner's rights and {called['does']}" if called else item.evidence
        yield Proof(object=_thing(item.object), text=f"tried: {said}")


def _is_same(finding: Finding, kind: str, thing: str) -> bool:
    rules = KINDS.get(kind, OTHER).rules
    return finding.rule in rules and any(_bare(proof.object) == _bare(thing) for proof in finding.proofs)


def _thing(name: str) -> str:
    return name.removeprefix("storage: ")


def _bare(thing: str) -> str:
    """`orders` of "table public.orders", `pay` of "public.pay(amount integer)", `bills` of "bucket bills"."""
    name = thing.split("(", 1)[0].strip().rsplit(" ", 1)[-1]
    return name.removeprefix("public.").strip('"')


def _who(actor: str) -> str:
    return "anybody" if actor in STRANGERS else "any signed-in user"


def _act(action: str) -> str:
    """Say it of a thing."""
    return {"insert": "insert into it", "upload": "upload into it", "sign up": action}.get(action, f"{action} it")


def _sentence(text: str) -> str:
    """Make a title of what was seen: who may do what, without the arguments of functions."""
    called = _CALLED.match(text)
    said = f"function {_bare(called['object'])} {called['does']}" if called else text
    said = re.sub(r"(?<![\w.])(?:nobody|anon)(?![\w.])(?! in particular)", "anybody", said)
    said = _OTHER.sub("any signed-in user", said)
    return said[:1].upper() + said[1:]
