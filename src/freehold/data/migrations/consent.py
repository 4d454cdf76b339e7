"""Somebody's word that a migration may take away what older releases need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from freehold.core.errors import BadUsage, NotAccepted
from freehold.data.closing import Closing

SHOWN = 6


@dataclass(frozen=True)
class Consent:
    """`names` are the names of files, with or without folder and ending; `who` is recorded with them."""

    names: frozenset[str]
    who: str

    def insist(self, closings: Mapping[str, Sequence[Closing]]) -> None:
        """Raise NotAccepted for a file that closes the window and is not named, and BadUsage for a name of none."""
        unknown = [name for name in sorted(self.names) if not any(_is_named(path, name) for path in closings)]
        if unknown:
            raise BadUsage(
                f"--accept {unknown[0]} names none of the migrations that would run",
                detail="\n".join(closings) or "no migration would run",
            )
        for path, found in closings.items():
            if found and not any(_is_named(path, name) for name in self.names):
                raise _refusal(path, found)


def _is_named(path: str, name: str) -> bool:
    pure = PurePosixPath(path)
    return name in {path, pure.name, pure.stem}


def _refusal(path: str, found: Sequence[Closing]) -> NotAccepted:
    lines = [f"line {item.line}: {item.object}: {item.reason}" for item in found[:SHOWN]]
    more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return NotAccepted(
        f"{path} takes away what the releases before it may need; after it there is no way back to them",
        detail="\n".join([*lines, *more]),
        hint=f"if that is meant: run the same command with --accept {PurePosixPath(path).stem}",
    )
