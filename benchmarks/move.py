"""How fast a move is against pg_dump | pg_restore, how much memory it takes, and whether kills and damage do harm.

python benchmarks/move.py                  rate on 1 GB
python benchmarks/move.py --gigabytes 5    rate on 5 GB, 200 tables, 100,000 users, 20,000 files
python benchmarks/move.py --kills 200      kill -9 at random moments on 50 MB
python benchmarks/move.py --damaged 10000  damaged dumps of every compression

With --in FOLDER the source stays there, so that preparing, measuring and killing can be commands of their own:
--in FOLDER --gigabytes 5 --go prepare, then --go standard, then --go move --go check.
"""

import argparse
import contextlib
import gzip
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/support"))

import dumps  # noqa: E402 - the support folder of the tests stands on the path now
import psycopg  # noqa: E402
from move_world import Target, child, live, project, write_files  # noqa: E402
from supabase_project import Scale, build  # noqa: E402

from freehold.core.errors import FreeholdError  # noqa: E402
from freehold.data.move.verify import verify  # noqa: E402
from freehold.data.sources.copy_text import lines  # noqa: E402
from freehold.data.sources.opened import open_dump  # noqa: E402
from freehold.kit.postgres_programs import wheel_program  # noqa: E402
from freehold.testing import database as databases  # noqa: E402

ROW_BYTES = 560
ROWS_CHECKED = ("gzip", "lz4 sealed", "zstd sealed")
GOES = ("prepare", "standard", "without-files", "move", "check")
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


def rate(gigabytes: float, folder: Path | None, goes: list[str]) -> None:
    """Compare with the standard tools on the same pair of databases; each go can be a command of its own."""
    with world(gigabytes, folder) as (server, source, files, size, kept):
        total = database_bytes(source.superuser_dsn)
        policies = ask(source.superuser_dsn, "select count(*) from pg_policies")
        tables = ask(source.superuser_dsn, "select count(*) from pg_class where relkind in ('r', 'p') and oid > 16383")
        print(
            f"source: {total / 1e9:.2f} GB, {tables} tables, {policies} policies, {size.users:,} users,"
            f" {size.files:,} files",
            flush=True,
        )
        if "standard" in goes:
            with databases.empty_database(server) as plain:
                keep(kept, "standard", standard_tools(source.superuser_dsn, plain.superuser_dsn))
        for form in ("without-files", "move"):
            if form in goes:
                with databases.fresh_database(server) as database, tempfile.TemporaryDirectory() as objects:
                    target = Target(database, Path(objects))
                    keep(kept, form, measured(*child(source, target, files if form == "move" else None)))
                    if form == "move" and "check" in goes:
                        check(source, target)
    show(kept, total, size)


def measured(argv: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Seconds, CPU seconds and peak memory of a command and of what it waited for."""
    started = time.monotonic()
    with subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    seconds = time.monotonic() - started
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024}


def keep(path: Path, name: str, figures: dict[str, float]) -> None:
    """Write a go's figures beside the data, so that the goes can be held against each other."""
    found = json.loads(path.read_text()) if path.exists() else {}
    found.setdefault(name, []).append(figures)
    path.write_text(json.dumps(found))


def show(path: Path, total: int, size: Scale) -> None:
    """Print the best of each kind of go and their ratios."""
    found = json.loads(path.read_text()) if path.exists() else {}
    names = {
        "standard": "pg_dump | pg_restore",
        "without-files": "freehold move without its files",
        "move": f"freehold move with {size.files:,} files",
    }
    best = {name: min(found[name], key=lambda item: item["seconds"]) for name in names if name in found}
    for name, figures in best.items():
        ratio = best["standard"]["seconds"] / figures["seconds"] if "standard" in best else 0
        print(
            f"{names[name]}: {figures['seconds']:.1f} s (best of {len(found[name])}),"
            f" {total / figures['seconds'] / 1e6:.1f} MB/s, ratio {ratio:.2f},"
            f" {figures['cpu']:.0f} s CPU, {figures['megabytes']:.0f} MB",
            flush=True,
        )


@contextlib.contextmanager
def world(
    gigabytes: float, folder: Path | None
) -> Iterator[tuple[databases.Server, databases.FreshDatabase, Path, Scale, Path]]:
    """Give a server with the source in it, its files, and where figures are kept; in a folder given it stays."""
    with contextlib.ExitStack() as stack:
        size = scale(gigabytes)
        place = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        server = stack.enter_context(databases.kept_server(place))
        source = databases.kept_database(server, "project")
        if not (place / "built").exists():
            build(source.superuser_dsn, source.owner_dsn, size)
            write_files(place / "files", size.files)
            with psycopg.connect(source.superuser_dsn, autocommit=True) as admin:
                admin.execute("vacuum analyze")  # else the first reader does this work, and pays for it
            (place / "built").touch()
        yield server, source, place / "files", size, place / "figures.json"


def kills(count: int, gigabytes: float, folder: Path | None, seed: int) -> None:
    """Kill a move at random moments until it was killed so often, then let it end, again and again."""
    chance = random.Random(seed)
    killed = whole = 0
    with world(gigabytes, folder) as (server, source, files, _, kept), tempfile.TemporaryDirectory() as objects:
        print(f"source: {database_bytes(source.superuser_dsn) / 1e6:.0f} MB", flush=True)
        known = json.loads(kept.read_text()).get("move", []) if kept.exists() else []
        longest = min((item["seconds"] for item in known), default=0.0)
        while killed < count:
            with databases.fresh_database(server) as database:
                target = Target(database, Path(objects) / str(whole))
                while True:
                    after = chance.uniform(0.2, longest) if longest else 3600
                    started = time.monotonic()
                    if run_for(after if killed < count else 3600, *child(source, target, files)):
                        longest = max(longest, time.monotonic() - started)
                        break
                    killed += 1
                check(source, target)
                whole += 1
                print(f"killed {killed} times so far, {whole} moves ended", flush=True)
    print(f"killed {killed} times; {whole} moves ended, each equal to its source in every row, object and file")


def run_for(seconds: float, argv: list[str], environment: dict[str, str]) -> bool:
    """Run a move; kill it after so many seconds. Says whether it ended by itself."""
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return False
    assert process.returncode == 0, errors[-2000:]
    return True


def damaged(count: int, seed: int) -> None:
    """Read damaged dumps: cut off anywhere, one bit turned, a piece doubled or left out."""
    chance = random.Random(seed)
    refused = same = 0
    other: Counter[str] = Counter()
    with (
        databases.running_server() as server,
        tempfile.TemporaryDirectory() as folder,
        project(server, Scale(users=10, rows=40)) as source,
    ):
        whole = {path.stem: (path.read_bytes(), content(path)[0]) for path in forms(source.superuser_dsn, Path(folder))}
        path = Path(folder) / "damaged"
        for number in range(count):
            name = chance.choice(sorted(whole))
            data, wanted = whole[name]
            path.write_bytes(spoilt(data, chance, number % 4))
            try:
                found, doubt = content(path)
            except FreeholdError:
                refused += 1
                continue
            same += found == wanted
            if found != wanted:
                other[name] += 1
                assert number % 4, f"{name}: a dump that was cut off passed for a whole one"
                assert doubt, f"{name}: other content, and the report would not say that nothing could be checked"
                if name in ROWS_CHECKED:
                    kept = {key: value for key, value in rows_of(found).items() if rows_of(wanted).get(key) != value}
                    assert not kept or len(found) != len(wanted), f"{name}: its rows have checksums"
    print(
        f"seed {seed}: {count} damaged dumps: {refused} refused, {same} unharmed (the damage hit nothing that is read),"
    )
    print(
        f"{sum(other.values())} with another text where the form has no checksum, and the report says so: {dict(other)}"
    )
    print("0 crashes; 0 that were cut off passed; 0 with a checksum over what was hit passed", flush=True)


def forms(dsn: str, folder: Path) -> list[Path]:
    """A dump of every form that is read."""
    plain = dumps.custom(dsn, folder / "none.dump")
    made = [plain, dumps.custom(dsn, folder / "gzip.dump", "gzip"), dumps.pg_dump(dsn, folder / "sql.sql", "-Fp")]
    for name in ("lz4", "zstd", "lz4 sealed", "zstd sealed"):
        made.append(folder / f"{name}.dump")
        made[-1].write_bytes(dumps.repacked(plain.read_bytes(), name))
    for name, inner in (("zip", folder / "zstd.dump"), ("zip of sql", folder / "sql.sql")):
        made.append(folder / f"{name}.zip")
        with zipfile.ZipFile(made[-1], "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(inner, inner.name)
    made.append(folder / "gz.gz")
    made[-1].write_bytes(gzip.compress(plain.read_bytes()))
    return made


def spoilt(data: bytes, chance: random.Random, kind: int) -> bytes:
    """0 cut off, 1 a bit turned, 2 a piece left out, 3 a piece doubled."""
    place = chance.randrange(1, len(data))
    length = chance.randrange(1, 64)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
    return data[:place] + (data[place + length :] if kind == 2 else data[place - length if place > length else 0 :])


def content(path: Path) -> tuple[dict[str, int], str]:
    """Everything that a dump holds, as hashes; and what the report would say about checksums."""
    with open_dump(path) as opened:
        rows = {
            f"rows {entry.number}": hash(
                tuple(line for some in lines(opened.rows(entry, part, opened.columns(entry), "text")) for line in some)
            )
            for entry in opened.entries()
            if entry.kind == "TABLE DATA"
            for part in opened.parts(entry)
        }
        definitions = {
            f"entry {entry.number}": hash((entry.kind, entry.name, entry.definition)) for entry in opened.entries()
        }
        return rows | definitions, opened.doubt


def rows_of(found: dict[str, int]) -> dict[str, int]:
    """What was read of rows: they have checksums in some forms whose table of contents has none."""
    return {name: value for name, value in found.items() if name.startswith("rows")}


def standard_tools(source: str, target: str) -> dict[str, float]:
    """Measure pg_dump | pg_restore, one job each; errors about what exists already are theirs to have."""
    dump, restore = wheel_program("pg_dump"), wheel_program("pg_dump").with_name("pg_restore")  # type: ignore[union-attr]
    started = time.monotonic()
    with subprocess.Popen([str(dump), "-Fc", "-Z0"], env=dumps.login(source), stdout=subprocess.PIPE) as out:
        there = dumps.login(target)
        argv = [str(restore), "-d", there["PGDATABASE"]]
        subprocess.run(argv, env=there, stdin=out.stdout, check=False, capture_output=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.monotonic() - started
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1024}


def check(source: databases.FreshDatabase, target: Target) -> None:
    """Everything has to be equal."""
    started = time.monotonic()
    with live(source) as opened:
        found = verify(opened, target.destination, lambda _event: None)
    assert found.faults == (), found.faults[:10]
    rows = sum(table.target.rows for table in found.tables)
    seconds = time.monotonic() - started
    speed = f"{seconds:.1f} s, {rows / seconds:,.0f} rows/s"
    settled = f"{len(found.items):,} objects, all accounted for"
    print(f"compared: {rows:,} rows, {found.files.fetched:,} files, 0 differ, {settled}, {speed}", flush=True)


def database_bytes(dsn: str) -> int:
    """The size that PostgreSQL gives."""
    return ask(dsn, "select pg_database_size(current_database())")


def ask(dsn: str, query: str) -> int:
    """One number."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--kills", type=int)
    parser.add_argument("--damaged", type=int)
    parser.add_argument("--seed", type=int, default=20_261_127)
    parser.add_argument("--in", dest="folder", type=Path, help="keep the source and the figures in this folder")
    parser.add_argument("--go", action="append", choices=GOES, help="what is measured; prepare measures nothing")
    given = parser.parse_args()
    if given.kills:
        kills(given.kills, given.gigabytes if given.gigabytes != 1 else 0.035, given.folder, given.seed)
    elif given.damaged:
        damaged(given.damaged, given.seed)
    else:
        rate(given.gigabytes, given.folder, given.go or list(GOES))


if __name__ == "__main__":
    main()
