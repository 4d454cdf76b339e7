"""A move that is killed, however often and wherever, comes to the same end."""

import random
import subprocess
from pathlib import Path

import psycopg
from move_world import Target, child, live, project, write_files
from supabase_project import Scale

from freehold.data.move.verify import verify
from freehold.testing import database as databases

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
        argv, environment = child(source, target, files)
        for _ in range(KILLS):
            met.add(killed_after(chance.randrange(10, 60), argv, environment))
        ended = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300, check=False)
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


def killed_after(lines: int, argv: list[str], environment: dict[str, str]) -> str:
    """Give the phase in which it was killed, or that it was quicker."""
    phase = "start"
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for number, line in enumerate(process.stdout):
            name, _, text = line.strip().partition(" ")
            phase = text if name == "step-started" else phase
            if number >= lines:
                process.kill()
                break
    return phase if process.returncode else "ended"
