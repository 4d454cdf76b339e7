"""Functions of a Base44 app under the builder's own local server and under ours: the same calls, the same answers."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from base44_local import local_server, vendored
from base44_sides import TASK, WHO, Answer, Reasons, Side, Step, both, reason_of
from base44_world import APP, base44_world
from functions_world import DENO

from freehold.core.secret import Secret
from freehold.runtime.settings import FunctionLimits
from freehold.testing.database import FreshDatabase

pytestmark = [pytest.mark.protocol, pytest.mark.skipif(not DENO, reason="Deno is not installed")]

SOURCES = {
    path.stem: path.read_text() for path in (Path(__file__).parents[1] / "support/base44_functions").glob("*.ts")
}
SCHEMAS = {"Task": TASK}
KINDS = (
    "empty",
    "text",
    "html",
    "moved",
    "limited",
    "teapot",
    "cookie",
    "bytes",
    "refused",
    "broken",
    "stream",
    "other",
)
FORGED = {
    "base44-service-authorization": "Bearer forged", "x-base44-scheduler": "true", "on-behalf-of": "Bearer admin",
    "base44-state": "kept", "x-own": "kept", "x-data-env": "dev", "base44-functions-version": "v7",
}  # fmt: skip
FORM = (
    b'--b\r\ncontent-disposition: form-data; name="word"\r\n\r\nhello\r\n'
    b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.txt"\r\ncontent-type: text/plain\r\n\r\nin it\r\n'
    b"--b--\r\n"
)
Call = tuple[Step, dict[str, str], bytes | None]
EXPLAINED: Reasons = {
    "who calls as the scheduler, or for another, is never a header from outside": (
        lambda step, theirs, ours: step[2] == "echo" and without_callers(theirs) == without_callers(ours)
    ),
    "a function that throws or does not load is told as such, with where to look": (
        lambda step, theirs, ours: step[2] in ("throws", "unbootable") and theirs[0] == 500 and ours[0] in (500, 503)
    ),
    "a function that is not there is 404, as anything that is not there": (
        lambda step, theirs, ours: "nothing" in step[2] and (theirs[0], ours[0]) == (500, 404) and theirs[2] == ours[2]
    ),
    "a function sees the path behind its name, which the local server does not pass on": (
        lambda step, theirs, ours: step[2] == "echo/further" and (theirs[0], ours[0]) == (504, 200)
    ),
    "a function is no user: 401, where the local server does not find it among its users": (
        lambda step, theirs, ours: (
            step[::2] == ("service", "whoami") and theirs[2].replace('"me": 404', '"me": 401') == ours[2]
        )
    ),
    "a record that is not there is told in words that the SDK shows": (
        lambda step, theirs, ours: (
            step[2] == "work" and "Request failed with status code 404" in theirs[2] and "not found" in ours[2]
        )
    ),
}


def without_callers(answer: Answer) -> Answer:
    """Leave out the two headers that say who calls."""
    return answer[0], answer[1], re.sub(r'"(x-base44-scheduler|on-behalf-of)": ("[^"]*"|null)', "", answer[2])


def calls() -> list[Call]:
    """Everything that five callers ask of eight functions."""
    found: list[Call] = []
    for who in WHO:
        found += [
            ((who, method, "echo?a=1&b=%20", None), {}, None) for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        ]
        found += [((who, "POST", "echo", {"n": [1, "ä"]}), {}, None), ((who, "POST", "echo", {}), FORGED, None)]
        found += [
            ((who, "POST", "echo", None), {"content-type": "text/plain"}, b"words"),
            ((who, "POST", "whoami", {}), {}, None),
        ]
        for ending in ("", " as service"):
            title = f"by {who}{ending}"
            found += [
                ((who, "POST", "work", {"how": f"create{ending}", "data": {"title": title, "points": 2}}), {}, None),
                ((who, "POST", "work", {"how": f"create{ending}", "data": {"points": "x"}}), {}, None),
                ((who, "POST", "work", {"how": f"filter{ending}", "data": {"points": 2}}), {}, None),
                ((who, "POST", "work", {"how": f"get{ending}", "id": "none"}), {}, None),
            ]
        found += [((who, "POST", "whoami", {}), {}, None), ((who, "POST", "secret", {}), {}, None)]
        found += [((who, "POST", "form", None), {"content-type": "multipart/form-data; boundary=b"}, FORM)]
        found += [((who, "GET", f"shape?kind={kind}", None), {}, None) for kind in KINDS]
        found += [
            ((who, "POST", name, {}), {}, None)
            for name in ("throws", "nothing-of-the-kind", "unbootable", "echo/further")
        ]
    return found


async def test_functions_get_and_give_the_same(database: FreshDatabase, tmp_path: Path) -> None:
    asked = calls()
    made = vendored(tmp_path, SOURCES)
    secrets = {"A_SECRET": Secret("hush")}
    limits = FunctionLimits(heap_megabytes=128, memory_megabytes=400)
    more: dict[str, Any] = {"functions": made, "deno": DENO, "function_limits": limits, "function_secrets": secrets}
    with local_server(tmp_path, APP, SCHEMAS, SOURCES) as local:
        async with base44_world(database, tmp_path, schemas=SCHEMAS, **more) as world:
            theirs, ours = await both(local, world)
            reasons, unexplained = await _compared(asked, theirs, ours)
    assert not unexplained, "\n".join(
        f"{call}\n   theirs {one}\n   ours   {two}" for call, one, two in unexplained[:25]
    )
    assert len(asked) > 150
    assert set(EXPLAINED) - set(reasons) == set()


async def _compared(asked: list[Call], theirs: Side, ours: Side) -> tuple[Counter[str], list[Any]]:
    reasons: Counter[str] = Counter()
    unexplained = []
    for step, headers, content in asked:
        one, two = await theirs.call(step, headers, content), await ours.call(step, headers, content)
        reason = "the same" if one == two else reason_of(EXPLAINED, step, one, two)
        reasons[reason] += 1
        if not reason:
            unexplained.append((step, one, two))
    return reasons, unexplained
