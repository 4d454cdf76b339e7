"""Keep a secret where an app lives; releases made from then on have it, and the trail says who set it."""

from freehold.core.secret import Secret
from freehold.core.target import Target
from freehold.core.trail import Act
from freehold.flows import holding
from freehold.secrets.age import check_name


def keep(target: Target, name: str, value: Secret) -> str:
    """Keep a new version and give its id; raises SecretRefused."""
    check_name(name)
    version = target.put_secret(name, value)
    target.record(Act(who=holding.me(), what="secret", result="done", values={"name": name, "version": version}))
    return version
