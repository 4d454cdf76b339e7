"""What a careful reader would want changed in an app, and how sure we are."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["critical", "high", "medium", "low", "info"]
Confidence = Literal["proven", "likely", "possible"]
Need = Literal["files", "history", "database"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
CONFIDENCES: tuple[Confidence, ...] = ("proven", "likely", "possible")


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What a finding rests on: a place in the sources, or an object of the database. Never holds a secret."""

    path: str = ""
    line: int = 0
    commit: str = ""
    """The commit that brought it, where it stands in git history only."""
    object: str = ""
    """A database object, such as "table public.orders"."""
    text: str = ""
    """What was seen there, in a few words."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing to change. Only what is proven may be critical."""

    rule: str
    title: str
    severity: Severity
    confidence: Confidence
    proofs: tuple[Proof, ...]
    impact: str
    """What an attacker could do."""
    fix: str
    """How to mend it, in a sentence."""
    change: str = ""
    """The command, SQL or TypeScript that mends it, where that can be written down."""
    owasp: str = ""
    """A category of the OWASP Top 10:2025, such as "A01:2025"."""
    asvs: tuple[str, ...] = ()
    """Requirements of the OWASP ASVS 5.0.0, by number."""

    def __post_init__(self) -> None:
        """Refuse a claim that is larger than its evidence."""
        if self.severity == "critical" and self.confidence != "proven":
            raise ValueError(f"{self.rule}: only a proven finding is critical")
        if not self.proofs:
            raise ValueError(f"{self.rule}: a finding needs evidence")


@dataclass(frozen=True, kw_only=True)
class FormerText:
    """A version of a file that git history has and the working tree has not."""

    path: str
    blob: str
    """git's id of the content."""
    text: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a rule is about, and what its findings have in common."""

    id: str
    """Stable and readable, such as "table-without-row-security"."""
    family: str
    """The family of the rule list, such as "FH-A03"."""
    title: str
    severity: Severity
    """The most severe that it reports."""
    confidence: Confidence
    """The most that it claims."""
    impact: str
    fix: str
    owasp: str
    asvs: tuple[str, ...]
    needs: Need = "files"
    silent: str = ""
    """What looks alike and is not reported, for the documentation."""

    def finding(  # noqa: PLR0913 - each names what is special about this one finding
        self,
        *proofs: Proof,
        title: str = "",
        severity: Severity | None = None,
        confidence: Confidence | None = None,
        impact: str = "",
        fix: str = "",
        change: str = "",
    ) -> Finding:
        """Make a finding of this rule; what is not given is the card's."""
        return Finding(
            rule=self.id,
            title=title or self.title,
            severity=severity or self.severity,
            confidence=confidence or self.confidence,
            proofs=proofs,
            impact=impact or self.impact,
            fix=fix or self.fix,
            change=change,
            owasp=self.owasp,
            asvs=self.asvs,
        )
