"""Whether a server fits is decided from facts, before anything is copied."""

import time
from typing import Any

import pytest

from freehold.core.release import Needs
from freehold.targets.server import fitness

GOOD: dict[str, Any] = {
    "system": "debian",
    "version": "12",
    "pretty": "Debian GNU/Linux 12 (bookworm)",
    "machine": "x86_64",
    "python": "3.11",
    "systemd": True,
    "memory_bytes": 2 << 30,
    "disk_free_bytes": 20 << 30,
    "cpus": 2,
    "root": True,
    "time": 1000.0,
    "ports_taken": [22],
    "ours": False,
    "closed_to_confinement": {},
}


def messages(**changed: object) -> list[str]:
    return [item.message for item in fitness.bare({**GOOD, **changed}, now=1000.0).problems]


def test_a_bare_debian_fits() -> None:
    assert messages() == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"version": "11", "pretty": "Debian 11"}, "the server runs Debian 11"),
        ({"system": "fedora", "version": "42", "pretty": "Fedora 42"}, "the server runs Fedora 42"),
        ({"machine": "armv7l"}, "the server is a armv7l"),
        ({"python": "3.9"}, "its Python is 3.9"),
        ({"systemd": False}, "systemd does not run there"),
        ({"root": False}, "this login may not change the server"),
        ({"memory_bytes": 256 << 20}, "the server has too little memory"),
        ({"disk_free_bytes": 100 << 20}, "the server has too little disk"),
        ({"time": 1300.0}, "the server's clock is 300 s ahead of this machine's"),
        ({"time": 800.0}, "the server's clock is 200 s behind of this machine's"),
        ({"ports_taken": [22, 80, 443]}, "another program listens on port 80 and 443 of the server"),
    ],
)
def test_what_does_not_fit_is_said(changed: dict[str, object], said: str) -> None:
    assert messages(**changed) == [said]


def test_our_own_proxy_may_have_the_ports() -> None:
    assert messages(ports_taken=[80, 443], ours=True) == []


def test_every_reason_is_said_at_once() -> None:
    assert len(messages(machine="mips", memory_bytes=0, systemd=False)) == 3


def test_a_release_is_refused_for_its_postgresql_extensions_disk_and_memory() -> None:
    needs = Needs(
        runtime="1", postgres_major=17, extensions=("vector", "pgcrypto"), disk_bytes=1 << 40, memory_bytes=1 << 40
    )
    facts = {**GOOD, "time": __import__("time").time()}
    said = fitness.condition(facts, needs, major=15, extensions=frozenset({"pgcrypto"})).problems
    assert [item.message for item in said] == [
        "the server's PostgreSQL is 15, and the app wants 17 or newer",
        "the server's PostgreSQL lacks extensions that the app uses",
        "the server has too little disk",
        "the server has too little memory",
    ]
    assert said[1].detail == "vector"


def test_a_release_with_a_python_server_is_refused_where_the_kernel_does_not_confine() -> None:
    closed = {"missing": "it is shut", "hint": "sudo open it"}
    facts = {**GOOD, "time": time.time(), "closed_to_confinement": closed}
    found = fitness.condition(facts, Needs(runtime="1", server_runtime="python"), major=15, extensions=frozenset())
    assert [(item.message, item.hint) for item in found.problems] == [
        ("the app's Python server cannot be confined there: it is shut", "on the server: sudo open it")
    ]
    assert fitness.condition(facts, Needs(runtime="1"), major=15, extensions=frozenset()).problems == ()
