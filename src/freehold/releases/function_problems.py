"""Why a function's imports cannot be fetched, in words."""

from collections.abc import Sequence
from pathlib import Path

from freehold.core.errors import ImportUnreachable
from freehold.core.inventory import EdgeFunction
from freehold.kit.deno import Graph


def unreachable(function: EdgeFunction, folder: Path, graph: Graph, lines: Sequence[str]) -> ImportUnreachable:
    """Name every import that failed with its file and line; without one, give Deno's last words."""
    found = failed(folder, graph, lines)
    said = " ".join(line.strip() for line in lines if line.strip() and "Stack backtrace" not in line)[:600]
    why = f"{found[0]}, which cannot be fetched" if found else f"{function.entry} cannot be loaded"
    return ImportUnreachable(
        f"The function {function.name} cannot start: {why}{'' if found else last_words(lines)}",
        detail="\n".join([*found, said.replace(f"file://{folder}/", "")]),
        hint="Check that this machine reaches the address, or import the package as npm:<name>@<version> instead; "
        "then build again",
    )


def failed(folder: Path, graph: Graph, lines: Sequence[str]) -> list[str]:
    """Imports that the function or its packages name and that could not be had, each with its place."""
    return [
        f"{_shown(item.module, folder)}:{item.line} imports {item.specifier}"
        for item in graph.imports
        if not item.dynamic and (item.problem or item.resolved in graph.problems or _named(item.resolved, lines))
    ]


def last_words(lines: Sequence[str]) -> str:
    """Deno's own error, such as a package that another one wants and that the registry does not have."""
    said = [line.partition("error: ")[2].strip() for line in lines if "error: " in line]
    return f": {said[-1]}" if said else ""


def _named(resolved: str, lines: Sequence[str]) -> bool:
    """Whether Deno's complaint is about this npm package."""
    if not resolved.startswith("npm:"):
        return False
    name = resolved.removeprefix("npm:").lstrip("/")
    package = "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
    bare = package[:1] + package[1:].partition("@")[0]
    return any(f"'{bare}'" in line or f"{package}'" in line or f'"{bare}"' in line for line in lines)


def _shown(module: str, folder: Path) -> str:
    return module.removeprefix(f"file://{folder}/")
