"""Who asks is decided for each request: hundreds of interleaved calls of many callers, by functions too.

Two people, somebody who attacks them while they work, and functions with their own right: `attacked` mixes them.
"""

import asyncio
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import base44_attack
import pytest
from base44_attack import THEFT, Attack
from base44_world import APP, OWN, World, base44_world
from functions_world import DENO, write

from freehold.runtime.settings import FunctionLimits
from freehold.testing.database import FreshDatabase

CALLS = 400
AT_ONCE = 40
SCHEMAS: dict[str, dict[str, Any]] = {
    "Note": {
        "name": "Note",
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "rls": {"create": OWN, "read": OWN, "update": OWN, "delete": OWN},
    }
}
SOURCE = """Deno.serve(async (req) => {
  const api = req.headers.get("base44-api-url") + "/api/apps/" + req.headers.get("base44-app-id");
  const ask = async (path, authorization) => {
    const answer = await fetch(api + path, { headers: authorization ? { authorization } : {} });
    return [answer.status, await answer.json()];
  };
  const own = req.headers.get("authorization");
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 30));
  const [me, notes, all] = await Promise.all([
    ask("/entities/User/me", own), ask("/entities/Note", own),
    ask("/entities/Note", req.headers.get("base44-service-authorization")),
  ]);
  return Response.json({
    me: me[1].id ?? null, mine: notes[1].map((note) => note.created_by_id), all: all[1].length,
    scheduler: req.headers.get("x-base44-scheduler"), behalf: req.headers.get("on-behalf-of"),
    words: req.headers.get("base44-service-authorization").split(" ").length,
  });
});"""


@dataclass(frozen=True)
class Caller:
    """`identity` is None for nobody."""

    token: str
    identity: str | None


async def interleaved(world: World, callers: list[Caller], count: int, seed: int) -> list[str]:
    """Make calls in any order, many at once; gives what came to the wrong one."""
    chance, wrong = random.Random(seed), []
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(caller: Caller, kind: str) -> None:
        async with turns:
            wrong.extend(await _call(world, caller, kind))

    kinds = ("me", "list", "create", "get", "function", "update")
    await asyncio.gather(*(one(chance.choice(callers), chance.choice(kinds)) for _ in range(count)))
    return wrong


async def _call(world: World, caller: Caller, kind: str) -> list[str]:
    if kind == "me":
        status, body = await world.ask("GET", "entities/User/me", token=caller.token)
        fits = body.get("id") == caller.identity if caller.identity else status == 401
    elif kind == "create":
        status, body = await world.ask("POST", "entities/Note", {"text": "x"}, caller.token)
        fits = body.get("created_by_id") == caller.identity if caller.identity else status == 403
    elif kind == "function":
        forged = {
            "base44-service-authorization": "Bearer forged",
            "x-base44-scheduler": "true",
            "on-behalf-of": "admin",
        }
        status, body = await world.ask("POST", "functions/who", {}, caller.token, headers=forged)
        fits = status == 200 and body["me"] == caller.identity and set(body["mine"]) <= {caller.identity}
        fits = fits and (body["scheduler"], body["behalf"], body["words"]) == (None, None, 2)
    else:
        status, body = await world.ask("GET", "entities/Note", token=caller.token)
        fits = {note["created_by_id"] for note in body} <= {caller.identity}
        if kind != "list" and body:
            method = "PUT" if kind == "update" else "GET"
            sent = {"text": "y"} if kind == "update" else None
            status, body = await world.ask(method, f"entities/Note/{body[0]['id']}", sent, caller.token)
            fits = fits and body["created_by_id"] == caller.identity
    return [] if fits else [f"{kind} by {caller.identity}: {status} {str(body)[:200]}"]


async def attacked(world: World, count: int, seed: int) -> list[str]:
    """Two people, one who attacks both, and functions, in any order, many at once; gives what went wrong."""
    chance, wrong = random.Random(seed), list[str]()
    turns = asyncio.Semaphore(AT_ONCE)
    ann, ben, eve = (Caller(*world.person(name)) for name in ("ann", "ben", "eve"))
    service = world.service_token()
    attacks = [await _attack(world, eve, victim) for victim in (ann, ben)]

    async def one(kind: str) -> None:
        async with turns:
            if kind.startswith("attack"):
                found = await base44_attack.KINDS[kind](chance.choice(attacks))
                wrong.extend([f"{kind}: {found}"] if found else [])
            elif kind == "service":
                wrong.extend(await _service(world, service, {ann.identity, ben.identity}))
            else:
                wrong.extend(await _call(world, chance.choice((ann, ben, eve)), kind))

    kinds = (*("me", "list", "create", "get", "function", "update", "service"), *base44_attack.KINDS)
    await asyncio.gather(*(one(chance.choice(kinds)) for _ in range(count)))
    stolen = world.sql('select count(*) from entities."Note" where text = %s', THEFT)
    there = world.sql('select count(*) from entities."Note" where id = any(%s)', [item.record for item in attacks])
    return wrong if (stolen, there) == ([(0,)], [(len(attacks),)]) else [*wrong, f"records: {stolen} {there}"]


async def _attack(world: World, attacker: Caller, victim: Caller) -> Attack:
    _, record = await world.ask("POST", "entities/Note", {"text": "mine"}, victim.token)
    (row,) = world.sql("select auth_id::text from base44.person where id = %s", victim.identity)
    return Attack(
        world=world, token=attacker.token, own=str(attacker.identity), victim=str(victim.identity),
        record=record["id"], subject=str(row[0]),
    )  # fmt: skip


async def _service(world: World, token: str, people: set[str | None]) -> list[str]:
    """A function's own right sees everybody's records, and what it makes is nobody's."""
    status, body = await world.ask("GET", "entities/Note?limit=5000", token=token)
    if status != 200 or not people <= {note["created_by_id"] for note in body}:
        return [f"service: {status} {str(body)[:200]}"]
    status, made = await world.ask("POST", "entities/Note", {"text": "by a function"}, token)
    return [] if (status, made.get("created_by_id")) == (201, "service") else [f"service: {status} {made}"]


def some(world: World, people: int) -> list[Caller]:
    """People, and nobody."""
    return [*(Caller(*world.person(f"p{number}")) for number in range(people)), Caller("", None)]


def functions_of(folder: Path) -> dict[str, Any]:
    """The settings of the function that says who called it."""
    limits = FunctionLimits(heap_megabytes=128, memory_megabytes=400)
    return {"functions": write(folder, {"who": SOURCE}), "deno": DENO, "function_limits": limits}


@pytest.mark.skipif(not DENO, reason="Deno is not installed")
async def test_nobody_ever_gets_what_another_asked_for(database: FreshDatabase, tmp_path: Path) -> None:
    async with base44_world(database, tmp_path, schemas=SCHEMAS, **functions_of(tmp_path)) as world:
        callers = some(world, 12)
        wrong = await interleaved(world, callers, CALLS, seed=7)
        made = world.sql('select count(distinct created_by_id) from entities."Note"')
        status, body = await world.ask("POST", "functions/who", {}, callers[0].token)
    assert wrong == []
    assert made == [(12,)]
    assert status == 200
    assert body["all"] > len(body["mine"]) > 0
    assert APP


@pytest.mark.skipif(not DENO, reason="Deno is not installed")
async def test_an_attacker_gets_nothing_of_two_people_while_they_and_functions_work(
    database: FreshDatabase, tmp_path: Path
) -> None:
    async with base44_world(database, tmp_path, schemas=SCHEMAS, **functions_of(tmp_path)) as world:
        wrong = await attacked(world, 260, seed=11)
        counted = world.sql('select count(distinct created_by_id) from entities."Note"')
    assert wrong == []
    assert counted == [(4,)]
