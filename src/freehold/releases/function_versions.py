"""Versions of npm packages that a function names and that the registry does not have: what is taken instead.

The builder's own client is published and withdrawn often, and its functions name one version exactly. Where that one
cannot be had, the newest of the same minor version is the nearest thing to it, and the owner is told.

A package that no function names, but another package, can be lacking as well: for hours, where a registry follows
another, or for good, where somebody has withdrawn it. What was the newest SETTLED_DAYS ago is then asked for.
"""

import re

from freehold.kit.deno import Graph

_EXACT = re.compile(r"npm:/?((?:@[\w.~-]+/)?[\w.~-]+)@(\d+\.\d+\.\d+)((?:/.*)?)")
SETTLED_DAYS = 7
_MISSING = "Could not find npm package"


def nearest(graph: Graph) -> dict[str, str]:
    """Import map entries for exactly named versions that the registry does not have; {} for none."""
    found = {}
    for specifier, problem in graph.problems.items():
        match = _EXACT.fullmatch(specifier)
        if match and _MISSING in problem:
            found[specifier] = f"npm:{match[1]}@~{match[2]}{match[3]}"
    return found


def sentence(function: str, specifier: str, instead: str) -> str:
    """Tell the owner."""
    return f"The function {function} imports {specifier}, which the registry does not have: {instead} is taken"


def settled(function: str, said: str) -> str:
    """Tell the owner; `said` is the registry's answer about today's packages, with its colon."""
    return f"The function {function} takes npm packages as they were {SETTLED_DAYS} days ago; today's do not fit{said}"
