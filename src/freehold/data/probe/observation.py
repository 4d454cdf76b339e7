"""What the probe saw."""

from dataclasses import dataclass

from freehold.core.inventory import Unknown


@dataclass(frozen=True, kw_only=True)
class Observation:
    """One thing that someone could do.

    `kind`, one of docs/explanation/probe.md; `object`, such as public.notes or a function with its arguments; `actor`
    is nobody (anon without claims), anon, other (a signed-in user) or other with forged metadata; `action` is read,
    change, delete, insert, call or sign up. `hole` is False for what is probably meant so and only told. `evidence` is
    a sentence, `sql` reproduces the act for a session that is inside a transaction.
    """

    kind: str
    object: str
    actor: str
    action: str
    evidence: str
    sql: str
    hole: bool = True
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProbeReport:
    """Everything seen, holes first. `probed` names what was acted on; what could not be is in `unknowns`."""

    observations: tuple[Observation, ...]
    unknowns: tuple[Unknown, ...]
    probed: tuple[str, ...]
    seconds: float

    @property
    def holes(self) -> tuple[Observation, ...]:
        """Those that are proven holes."""
        return tuple(item for item in self.observations if item.hole)
