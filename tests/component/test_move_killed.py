"""A move that is killed, however often and wherever, comes to the same end."""

import random
import subprocess
import sys
from pathlib import Path

import psycopg
from move_world import Target, live, project, write_files
from supabase_project import Scale

from freehold.data.move.verify import verify
from freehold.testing import database as databases

CHILD = Path(__file__).parents[1] / "support/move_child.py"
KILLS = 8
FILES = 40
SEED = 7


def test_a_move_killed_again_and_again_ends_whole(
    postgres_server: databases.Server, database: databases.FreshDatabase, tmp_path: Path
) -> None:
    """Killed after a random number of its own words, so that every phase is met on a quick and on a slow machine."""
    chance = random.Random(SEED)
    target = Target(database, tmp_path / "objects")
    files = write_files(tmp_path / "files", FILES)
    met = set()
    with project(postgres_server, Scale(rows=2000, users=100, files=FILES, filler=3, filler_rows=2000)) as source:
        words = (source.superuser_dsn, database.superuser_dsn, database.owner_dsn, str(target.objects), str(files))
        for _ in range(KILLS):
            met.add(killed_after(chance.randrange(10, 60), words))
        ended = subprocess.run(
            [sys.executable, str(CHILD), *words], capture_output=True, text=True, timeout=300, check=False
        )
        assert ended.returncode == 0, ended.stderr[-2000:]
        with live(source) as opened:
            found = verify(opened, target.destination, target.events.append)
    assert found.faults == ()
    assert found.files.fetched == FILES
    assert len(met) > 2, met
    with psycopg.connect(database.superuser_dsn) as connection:
        right = connection.execute(
            "select has_parameter_privilege('postgres', 'session_replication_role', 'set')"
        ).fetchone()
    assert right == (False,), "the right to load without triggers ends with the move"


def killed_after(lines: int, words: tuple[str, ...]) -> str:
    """Give the phase in which it was killed, or that it was quicker."""
    phase = "start"
    with subprocess.Popen([sys.executable, str(CHILD), *words], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for number, line in enumerate(child.stdout):
            name, _, text = line.strip().partition(" ")
            phase = text if name == "step-started" else phase
            if number >= lines:
                child.kill()
                break
    return phase if child.returncode else "ended"
