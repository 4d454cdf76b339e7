"""How fast a move is against pg_dump | pg_restore, how much memory it takes, and whether kills and damage do harm.

python benchmarks/move.py                  rate on 1 GB
python benchmarks/move.py --gigabytes 5    rate on 5 GB, 200 tables, 100,000 users, 20,000 files
python benchmarks/move.py --kills 200      kill -9 at random moments on 50 MB
python benchmarks/move.py --damaged 10000  damaged dumps of every compression
"""

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

import dumps  # noqa: E402 - the support folder of the tests stands on the path now
import psycopg  # noqa: E402
from move_world import Target, live, project, write_files  # noqa: E402
from supabase_project import Scale  # noqa: E402

from freehold.core.errors import FreeholdError  # noqa: E402
from freehold.data.move.verify import verify  # noqa: E402
from freehold.data.sources.copy_text import lines  # noqa: E402
from freehold.data.sources.opened import open_dump  # noqa: E402
from freehold.kit.postgres_programs import wheel_program  # noqa: E402
from freehold.testing import database as databases  # noqa: E402

CHILD = ROOT / "tests/support/move_child.py"
ROW_BYTES = 560
TABLES = 200


def scale(gigabytes: float) -> Scale:
    """As many rows as make so many gigabytes, over 200 tables."""
    share = min(1.0, gigabytes / 5)
    return Scale(
        users=max(200, round(100_000 * share)),
        rows=max(1000, round(100_000 * share)),
        files=max(40, round(20_000 * share)),
        filler=TABLES if gigabytes >= 1 else 20,
        filler_rows=round(gigabytes * 1e9 / ROW_BYTES / (TABLES if gigabytes >= 1 else 20)),
    )


def rate(gigabytes: float) -> None:
    """Compare with the standard tools on the same pair of databases."""
    size = scale(gigabytes)
    with databases.running_server() as server, tempfile.TemporaryDirectory() as folder, project(server, size) as source:
        files = write_files(Path(folder) / "files", size.files)
        total = database_bytes(source.superuser_dsn)
        print(
            f"source: {total / 1e9:.2f} GB, {size.filler} + 14 tables, {size.users:,} users, {size.files:,} files",
            flush=True,
        )
        with databases.empty_database(server) as plain:
            standard = standard_tools(source.superuser_dsn, plain.superuser_dsn)
        print(f"pg_dump | pg_restore: {standard:.1f} s, {total / standard / 1e6:.1f} MB/s", flush=True)
        with databases.fresh_database(server) as database:
            target = Target(database, Path(folder) / "objects")
            started = time.monotonic()
            child = subprocess.run(words(source, target, files), check=False, capture_output=True, text=True)
            seconds = time.monotonic() - started
            assert child.returncode == 0, child.stderr[-2000:]
            memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(
                f"freehold move:        {seconds:.1f} s, {total / seconds / 1e6:.1f} MB/s, {size.files:,} files with it"
            )
            print(f"ratio of rates: {standard / seconds:.2f}; largest child process {memory:.0f} MB", flush=True)
            check(source, target)


def kills(count: int, gigabytes: float) -> None:
    """Kill a move at random moments until it was killed so often, then let it end, again and again."""
    chance = random.Random(20_261_127)
    size = scale(gigabytes)
    killed = whole = 0
    with databases.running_server() as server, tempfile.TemporaryDirectory() as folder, project(server, size) as source:
        files = write_files(Path(folder) / "files", size.files)
        print(f"source: {database_bytes(source.superuser_dsn) / 1e6:.0f} MB", flush=True)
        longest = 0.0
        while killed < count:
            with databases.fresh_database(server) as database:
                target = Target(database, Path(folder) / f"objects-{whole}")
                while True:
                    after = chance.uniform(0.2, longest) if longest else 3600
                    started = time.monotonic()
                    if run_for(words(source, target, files), after if killed < count else 3600):
                        longest = max(longest, time.monotonic() - started)
                        break
                    killed += 1
                check(source, target)
                whole += 1
    print(f"killed {killed} times; {whole} moves ended, each equal to its source in every row, object and file")


def run_for(argv: list[str], seconds: float) -> bool:
    """Run a move; kill it after so many seconds. Says whether it ended by itself."""
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, errors = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        return False
    assert child.returncode == 0, errors[-2000:]
    return True


def damaged(count: int) -> None:
    """Read damaged dumps: cut off anywhere, one bit turned, a piece doubled or left out."""
    chance = random.Random(20_261_127)
    refused = same = other = 0
    with (
        databases.running_server() as server,
        tempfile.TemporaryDirectory() as folder,
        project(server, Scale()) as source,
    ):
        forms = [
            dumps.custom(source.superuser_dsn, Path(folder) / f"{name}.dump", name)
            for name in ("none", "gzip", "lz4", "zstd")
        ]
        packed = Path(folder) / "zip.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(forms[3], "x.dump")
        whole = {path.stem: (path.read_bytes(), content(path)) for path in (*forms, packed)}
        path = Path(folder) / "damaged"
        for number in range(count):
            name = chance.choice(sorted(whole))
            data, wanted = whole[name]
            path.write_bytes(spoilt(data, chance, number % 4))
            try:
                found = content(path)
            except FreeholdError:
                refused += 1
                continue
            same += found == wanted
            other += found != wanted
            assert number % 4, "a dump that was cut off passed for a whole one"
            assert name != "zip" or found == wanted, "a zip has checksums"
            assert name != "gzip" or rows_of(found) == rows_of(wanted) or len(found) != len(wanted), (
                "rows have checksums"
            )
    print(f"{count} damaged dumps: {refused} refused, {same} unharmed (the damage hit nothing that is read),")
    print(f"{other} with another text in them: the form has no checksum there. 0 crashes, 0 that were cut off passed.")


def spoilt(data: bytes, chance: random.Random, kind: int) -> bytes:
    """0 cut off, 1 a bit turned, 2 a piece left out, 3 a piece doubled."""
    place = chance.randrange(1, len(data))
    length = chance.randrange(1, 64)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
    return data[:place] + (data[place + length :] if kind == 2 else data[place - length if place > length else 0 :])


def content(path: Path) -> dict[str, int]:
    """Everything that a dump holds, as hashes."""
    with open_dump(path) as opened:
        rows = {
            f"rows {entry.number}": hash(
                tuple(line for some in lines(opened.rows(entry, part, opened.columns(entry), "text")) for line in some)
            )
            for entry in opened.entries()
            if entry.kind == "TABLE DATA"
            for part in opened.parts(entry)
        }
        return rows | {
            f"entry {entry.number}": hash((entry.kind, entry.name, entry.definition)) for entry in opened.entries()
        }


def rows_of(found: dict[str, int]) -> dict[str, int]:
    """What was read of rows: gzip has a checksum for each table's rows, and none for the table of contents."""
    return {name: value for name, value in found.items() if name.startswith("rows")}


def standard_tools(source: str, target: str) -> float:
    """Seconds of pg_dump | pg_restore; errors about what exists already are theirs to have."""
    dump, restore = wheel_program("pg_dump"), wheel_program("pg_dump").with_name("pg_restore")  # type: ignore[union-attr]
    started = time.monotonic()
    with subprocess.Popen([str(dump), "-Fc", "-Z0", source], stdout=subprocess.PIPE) as out:
        subprocess.run([str(restore), "-d", target], stdin=out.stdout, check=False, capture_output=True)
    return time.monotonic() - started


def words(source: databases.FreshDatabase, target: Target, files: Path) -> list[str]:
    """The command line of a move."""
    return [
        sys.executable, str(CHILD), source.superuser_dsn, target.database.superuser_dsn, target.database.owner_dsn,
        str(target.objects), str(files),
    ]  # fmt: skip


def check(source: databases.FreshDatabase, target: Target) -> None:
    """Everything has to be equal."""
    started = time.monotonic()
    with live(source) as opened:
        found = verify(opened, target.destination, lambda _event: None)
    assert found.faults == (), found.faults[:10]
    rows = sum(table.target.rows for table in found.tables)
    seconds = time.monotonic() - started
    speed = f"{seconds:.1f} s, {rows / seconds:,.0f} rows/s"
    print(f"compared: {rows:,} rows, {found.files.fetched:,} files, 0 differ, {speed}", flush=True)


def database_bytes(dsn: str) -> int:
    """The size that PostgreSQL gives."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--damaged", type=int)
    given = parser.parse_args()
    if given.kills:
        kills(given.kills, given.gigabytes if given.gigabytes != 1 else 0.035)
    elif given.damaged:
        damaged(given.damaged)
    else:
        rate(given.gigabytes)


if __name__ == "__main__":
    main()
