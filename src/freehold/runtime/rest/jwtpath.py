"""Where in a token's claims the role stands: `.role`, `."https://x/roles"[0]`, `.roles[?(@ ^== "app_")]`."""

import re
from typing import Any, NamedTuple

from freehold.core.errors import BadUsage

_STEP = re.compile(
    r'\.(?:"(?P<quoted>[^"]*)"|(?P<key>[\w$@-]+))|\[(?P<index>\d+)\]'
    r'|\[\?\(@\s*(?P<operator>===?|!=|\^==|==\^|\*==)\s*"(?P<text>[^"]*)"\)\]'
)


class Step(NamedTuple):
    """A key, an index, or a condition on the elements of an array."""

    key: str | None = None
    place: int | None = None
    operator: str = ""
    text: str = ""


def parse(path: str) -> tuple[Step, ...]:
    """Read a path; raises BadUsage."""
    steps: list[Step] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise BadUsage("the path of the role claim cannot be read", detail=path)
        if match["index"] is not None:
            steps.append(Step(place=int(match["index"])))
        elif match["operator"] is not None:
            steps.append(Step(operator=match["operator"], text=match["text"]))
        else:
            steps.append(Step(key=match["key"] if match["quoted"] is None else match["quoted"]))
        position = match.end()
    return tuple(steps)


def written(steps: tuple[Step, ...]) -> str:
    """Write a path in its full form, with every key in quotes."""
    parts = []
    for step in steps:
        if step.operator:
            parts.append(f'[?(@ {step.operator} "{step.text}")]')
        elif step.place is not None:
            parts.append(f"[{step.place}]")
        else:
            parts.append(f'."{step.key}"')
    return "".join(parts)


def walk(claims: Any, steps: tuple[Step, ...]) -> Any:  # noqa: ANN401 - a claim may be any JSON value
    """Follow a path; None if it leads nowhere."""
    value = claims
    for step in steps:
        value = _next(value, step)
        if value is None:
            return None
    return value


def _next(value: Any, step: Step) -> Any:  # noqa: ANN401 - as above
    if step.key is not None:
        return value.get(step.key) if isinstance(value, dict) else None
    if not isinstance(value, list):
        return None
    if step.place is not None:
        return value[step.place] if step.place < len(value) else None
    texts = (item for item in value if isinstance(item, str))
    return next((item for item in texts if _meets(item, step)), None)


def _meets(item: str, step: Step) -> bool:
    return {
        "==": item == step.text,
        "===": item == step.text,
        "!=": item != step.text,
        "^==": item.startswith(step.text),
        "==^": item.endswith(step.text),
        "*==": step.text in item,
    }[step.operator]
