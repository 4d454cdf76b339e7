"""What has to be so on a server before anything is moved there."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import sql

from freehold.core.errors import MoveRefused, TargetUnfit
from freehold.core.plan import Report
from freehold.core.secret import Secret
from freehold.data.move import ledger
from freehold.data.move.destination import Destination
from freehold.data.sources.toc import Source
from freehold.kit import postgres
from freehold.releases import history
from freehold.targets.server.target import ServerTarget

ROOM = 1.5
"""Rows take about their own size, their indexes and the log the rest."""


@dataclass(frozen=True)
class EmptyServer:
    """For a source that turned out to be the wrong one, or damaged: nothing of it may stay under the next."""

    target: ServerTarget
    title: str = "Empty the app's database and files there, which nobody has used yet"

    def done(self) -> bool:
        """Never: whoever asks for it wants it."""
        return False

    def run(self, _report: Report) -> None:
        """Drop them; raises MoveRefused where a release was live once, with everything as it was."""
        used = [item.release.number for item in self.target.releases() if item.live_since or item.state == "live"]
        if used:
            raise MoveRefused(
                f"release {used[-1]} was live there: what its users have written is not thrown away",
                hint="freehold server add USER@ADDRESS --app OTHER --name OTHER   makes a second place on the machine",
            )
        with self.target.database() as (admin, _):
            name = postgres.parameters(admin)["dbname"]
            elsewhere = Secret(postgres.with_database(admin.reveal(), "template1"))
            with postgres.connect(elsewhere) as connection:
                connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
                connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        self.target.agent.ask("drop-objects", app=self.target.app)

    def undo(self) -> bool:
        """Nothing: the source has it all."""
        return False


@dataclass(frozen=True)
class CheckServer:
    """Whether everything fits, and nobody's rows would be taken away."""

    target: ServerTarget
    there: Destination
    size_bytes: int = 0
    """About how many bytes of rows there are; 0 where the source does not say."""
    only_adds: Callable[[], bool] = bool
    """Whether everything was equal once, and no row is copied again."""
    title: str = "See whether the server has room and nobody works with it yet"

    def done(self) -> bool:
        """Never: a disk fills up."""
        return False

    def run(self, _report: Report) -> None:
        """Look; raises MoveRefused or TargetUnfit before anything is copied."""
        live = history.live(self.target.releases())
        if live is not None and not self.only_adds():
            raise MoveRefused(
                f"release {live.release.number} is live there: what its users have written would be taken away",
                hint="freehold move verify compares; a move goes to a server before its first deploy",
            )
        with self.there.admin() as admin:
            is_begun = ledger.status(admin) is not None
        free, needed = int(self.target.agent.ask("facts")["disk_free_bytes"]), round(self.size_bytes * ROOM)
        if needed > free and not is_begun:
            raise TargetUnfit(
                "the server's disk is too small for what is to be moved",
                detail=f"about {needed >> 20} MB are needed, {free >> 20} MB are free",
                hint="give the server a larger disk",
            )

    def undo(self) -> bool:
        """Nothing: it only looks."""
        return False


def size_of(source: Source) -> int:
    """About how many bytes of rows there are, packed or not."""
    return sum(source.size(entry) for entry in source.entries() if entry.kind == "TABLE DATA")
