"""The live probe: what strangers can do with other people's rows, found by trying it.

    probe(inventory, *, admin_dsn) -> ProbeReport          in one transaction that is rolled back

A ProbeReport has `observations` (kind, object, actor, action, evidence, sql, hole, columns), `holes` (the proven ones
among them), `unknowns`, `probed` and `seconds`.
"""

from freehold.data.probe.observation import Observation, ProbeReport
from freehold.data.probe.probe import probe

__all__ = ["Observation", "ProbeReport", "probe"]
