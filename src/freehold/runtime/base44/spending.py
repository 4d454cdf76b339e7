"""How often somebody may do what costs money or reaches strangers."""

from freehold.runtime.base44.context import Context
from freehold.runtime.base44.http import detailed

ASKED_AN_HOUR = {"person": 300, "nobody": 20}


async def spend(context: Context, spender: str, thing: str, most: int) -> None:
    """Count one; raises 429 when it is one too many in this hour."""
    given = [spender.encode(), thing.encode(), str(most).encode()]
    (result,) = await context.pool.run([("select base44.spend($1, $2, $3::integer)", given)])
    if result.one()[0] != b"t":
        raise detailed(429, "Too many requests: try again later")
