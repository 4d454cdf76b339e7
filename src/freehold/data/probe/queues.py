"""Message queues (pgmq): a message in each, and what became of it."""

import json

from freehold.data.probe.objects import Objects
from freehold.data.probe.stage import Stage, literal, name

PLANTED_MESSAGE = 1
"""The number of a planted message where the queue was empty, as it is after a replay."""


def plant(stage: Stage, objects: Objects) -> None:
    """Put a mail to B into every queue, as the owner."""
    message = json.dumps({"to": stage.b.email, "subject": f"A mail to {stage.b.mark}"})
    with stage.acting(stage.owner):
        for queue in objects.queues:
            table = name("pgmq", f"q_{queue}".lower())
            stage.tried(
                f"insert into {table} (vt, message) values (now() - interval '1 second', {literal(message)}::jsonb)"
            )


def lengths(objects: Objects) -> str:
    """Ask how many messages each queue has, as JSON by name."""
    parts = [
        f"select {literal(queue)}::text as queue, count(*) as n from {name('pgmq', f'q_{queue}'.lower())}"
        for queue in objects.queues
    ]
    return f"select jsonb_object_agg(queue, n) from ({' union all '.join(parts)}) as queues" if parts else ""
