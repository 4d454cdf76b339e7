"""Dumps for tests: made by the real pg_dump, and packed as a pg_dump with lz4 or zstd packs them.

No pg_dump that can be had here writes lz4 or zstd. The format is the same but for one byte in the head and the stream
inside each block, so a dump without compression is written anew with those.
"""

import functools
import os
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import zstandard

from freehold.core.secret import Secret
from freehold.data.sources.custom import contents
from freehold.data.sources.custom.reading import Reader
from freehold.kit import postgres
from freehold.kit.postgres_programs import wheel_program

ALGORITHM_AT = 11
ALGORITHMS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "gzip": (1, zlib.compress),
    "lz4": (2, lz4.frame.compress),
    "zstd": (3, zstandard.ZstdCompressor(level=3, write_checksum=False).compress),
    "lz4 sealed": (2, functools.partial(lz4.frame.compress, content_checksum=True)),
    "zstd sealed": (3, zstandard.ZstdCompressor(level=3, write_checksum=True).compress),
}
CHUNK = 4096


def pg_dump(dsn: str, target: Path, *words: str) -> Path:
    program = wheel_program("pg_dump")
    assert program is not None
    argv = [str(program), *words, "-f", str(target)]
    subprocess.run(argv, env=login(dsn), check=True, capture_output=True, timeout=300)
    return target


def login(dsn: str) -> dict[str, str]:
    """An environment in which PostgreSQL's own programs find a database."""
    return os.environ | postgres.environment(postgres.parameters(Secret(dsn)))


def custom(dsn: str, target: Path, compression: str = "none", *words: str) -> Path:
    """A custom-format dump with this compression."""
    if compression in ("none", "gzip"):
        return pg_dump(dsn, target, "-Fc", f"--compress={compression}", *words)
    plain = pg_dump(dsn, target.with_suffix(".plain"), "-Fc", "--compress=none", *words)
    target.write_bytes(repacked(plain.read_bytes(), compression))
    return target


def repacked(dump: bytes, compression: str) -> bytes:
    """Write a dump without compression anew."""
    number, compress = ALGORITHMS[compression]
    rows_at = dump.index(*_first_block(dump))
    made = bytearray(dump[:rows_at])
    made[ALGORITHM_AT] = number
    place = rows_at
    while place < len(dump):
        made += dump[place : place + 6]
        assert dump[place] == 1, "large objects are not repacked"
        place += 6
        content = bytearray()
        while length := int.from_bytes(dump[place + 1 : place + 5], "little"):
            content += dump[place + 5 : place + 5 + length]
            place += 5 + length
        place += 5
        packed = compress(bytes(content))
        for start in range(0, len(packed), CHUNK):
            piece = packed[start : start + CHUNK]
            made += b"\0" + len(piece).to_bytes(4, "little") + piece
        made += b"\0" + bytes(4)
    return bytes(made)


def _first_block(dump: bytes) -> tuple[bytes, int]:
    """What the first block of rows begins with, and from where to look for it."""
    with tempfile.TemporaryFile() as file:
        file.write(dump)
        file.flush()
        file.seek(0)
        found = contents.read(Reader(file, "dump"))
    return dump[found.rows_at : found.rows_at + 6], found.rows_at
