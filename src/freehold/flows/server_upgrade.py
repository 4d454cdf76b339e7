"""Bring a server up to this version of Freehold: units, proxy, runtime, platform schema. No release is touched.

The platform schema is only ever added to, so what runs there goes on with the newer one. A release gets the newer
runtime with the next deploy, and has its own one back after a rollback.
"""

from freehold.core.errors import TargetUnknown
from freehold.core.plan import Plan
from freehold.flows import server_steps
from freehold.flows.server_target import open_target
from freehold.flows.targets import read


def plan(name: str) -> Plan:
    """Say what has to be done on a server that was added; raises TargetUnknown."""
    values = read().get(name)
    if values is None or values.get("kind") != "server":
        raise TargetUnknown(f"there is no server {name!r}", hint="freehold server add USER@ADDRESS")
    target = open_target(name, values)
    return server_steps.plan(target, server_steps.same_wish(target), values["address"])
