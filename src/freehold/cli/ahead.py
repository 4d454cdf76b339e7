"""Log in at a server while a command is still being loaded: a way back waits for little else."""

import contextlib
from collections.abc import Sequence

from freehold.core.errors import FreeholdError
from freehold.flows import targets


def begin(words: Sequence[str]) -> None:
    """Begin, where these words name a target to go back on; what is unclear is left to the command.

    A plan alone is read from here, with the database's passwords: it logs in as every other command does.
    """
    name = "" if "--plan" in words else _target(words)
    if name:
        with contextlib.suppress(FreeholdError, OSError):
            targets.begin(name)


def _target(words: Sequence[str]) -> str:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--to":
            return following
        if word.startswith("--to="):
            return word.removeprefix("--to=")
    return ""
