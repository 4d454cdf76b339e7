"""The rows of a custom-format dump: blocks of length-prefixed chunks, one compressed stream an entry."""

import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import lz4.frame
import zstandard

from freehold.data.sources.custom.contents import Contents
from freehold.data.sources.custom.reading import Reader

DATA, LARGE_OBJECTS = 1, 3
PIECE_BYTES = 256 * 1024
LONGEST_CHUNK = 2 * 1024**3
"""Without compression pg_dump writes each row as one chunk, and a row may take a GiB."""
FLAGS_AT, CHECKSUM_FLAG = 4, 0x04
"""After four bytes of magic number both formats have their flags, and both the same bit for a checksum of the content:
https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md and RFC 8878, 3.1.1.1."""
WINDOW_BYTES = 128 * 1024 * 1024
"""What one zstd stream may make the reader hold; pg_dump's own levels stay far below."""


@dataclass(frozen=True, slots=True)
class Block:
    """Where an entry's first chunk is, and how many bytes its chunks take."""

    start: int
    length: int


def locate(reader: Reader, contents: Contents) -> dict[int, Block]:
    """Walk over all blocks without unpacking them: numbers of entries, and where their rows are.

    So a dump that was cut off is known before anything is loaded. Raises SourceBroken.
    """
    found: dict[int, Block] = {}
    reader.seek(contents.rows_at)
    while not reader.at_end():
        kind, dump_id = reader.byte(), reader.integer()
        if kind not in (DATA, LARGE_OBJECTS) or dump_id not in contents.dump_ids:
            raise reader.broken("a block of rows belongs to no object")
        number = contents.dump_ids[dump_id]
        if number in found:
            raise reader.broken("an object has its rows twice")
        start = reader.place
        if kind == DATA:
            _pass_chunks(reader)
        else:
            while reader.integer():
                _pass_chunks(reader)
        found[number] = Block(start, reader.place - start)
    missing = contents.with_rows - set(found)
    if missing:
        entry = contents.entries[min(missing)]
        raise reader.broken(f"the rows of {entry.schema}.{entry.name} are not in it")
    return found


def _pass_chunks(reader: Reader) -> None:
    while length := reader.integer():
        if length < 0 or length > LONGEST_CHUNK:
            raise reader.broken(f"a chunk cannot have {length} bytes")
        reader.skip(length)


def unpacked(reader: Reader, place: int, compression: str) -> Iterator[bytes]:
    """Give an entry's bytes in pieces; raises SourceBroken when the stream is damaged or ends early."""
    reader.seek(place)
    chunks = _chunks(reader)
    if compression == "none":
        return chunks
    return _checked(reader, {"gzip": _gzip, "lz4": _lz4, "zstd": _zstd}[compression](chunks))


def has_checksum(reader: Reader, place: int, compression: str) -> bool:
    """Whether the stream of an entry's rows ends with a checksum of its content, which is then held against it."""
    if compression in ("none", "gzip"):
        return compression == "gzip"
    reader.seek(place)
    length = reader.integer()
    head = reader.bytes(min(length, FLAGS_AT + 1)) if length > 0 else b""
    return len(head) > FLAGS_AT and bool(head[FLAGS_AT] & CHECKSUM_FLAG)


def _checked(reader: Reader, pieces: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from pieces
    except (zlib.error, RuntimeError, EOFError, zstandard.ZstdError, MemoryError, ValueError) as error:
        raise reader.broken(f"its rows cannot be unpacked ({error})") from None


def _chunks(reader: Reader) -> Iterator[bytes]:
    while length := reader.integer():
        if length < 0 or length > LONGEST_CHUNK:
            raise reader.broken(f"a chunk cannot have {length} bytes")
        while length:
            piece = min(length, PIECE_BYTES)
            yield reader.bytes(piece)
            length -= piece


def _gzip(chunks: Iterable[bytes]) -> Iterator[bytes]:
    stream = zlib.decompressobj()
    for chunk in chunks:
        rest = chunk
        while rest:
            piece = stream.decompress(rest, PIECE_BYTES)
            if piece:
                yield piece
            rest = stream.unconsumed_tail
        if stream.unused_data:
            raise ValueError("there is more behind its end")
    if last := stream.flush():
        yield last
    if not stream.eof:
        raise EOFError("it ends in the middle")


def _lz4(chunks: Iterable[bytes]) -> Iterator[bytes]:
    stream = lz4.frame.LZ4FrameDecompressor()
    for chunk in chunks:
        piece = stream.decompress(chunk, PIECE_BYTES)
        while piece:
            yield piece
            piece = b"" if stream.needs_input or stream.eof else stream.decompress(b"", PIECE_BYTES)
        if stream.unused_data:
            raise ValueError("there is more behind its end")
    if not stream.eof:
        raise EOFError("it ends in the middle")


class _ChunkFile(io.RawIOBase):
    """What stream_reader reads from: it keeps at most one chunk."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks = iter(chunks)
        self._rest = b""

    def read(self, count: int = -1) -> bytes:
        if not self._rest:
            self._rest = next(self._chunks, b"")
        taken, self._rest = (self._rest, b"") if count < 0 else (self._rest[:count], self._rest[count:])
        return taken


def _zstd(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """A frame that ends early is seen by the end mark of the rows, which archive.py looks for."""
    reader = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES).stream_reader(_ChunkFile(chunks))  # type: ignore[arg-type]
    while piece := reader.read(PIECE_BYTES):
        yield piece
