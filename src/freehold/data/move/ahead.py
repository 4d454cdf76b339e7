"""Read ahead: the source works on while the target takes what was read, with a bounded store between them."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator

PIECES = 24
"""Of 128 to 256 KiB each: a few MiB, however large the table."""


def ahead(read: Callable[[], Iterator[bytes]]) -> Generator[bytes, None, None]:
    """Give what `read` gives, read by a thread; what it raises is raised here. Closing early ends the reading."""
    pieces: queue.Queue[bytes | BaseException | None] = queue.Queue(PIECES)
    ended = threading.Event()
    thread = threading.Thread(target=_fill, args=(read, pieces, ended), daemon=True)
    thread.start()
    try:
        while (piece := pieces.get()) is not None:
            if isinstance(piece, BaseException):
                raise piece
            yield piece
    finally:
        ended.set()
        while thread.is_alive():
            _drain(pieces)
            thread.join(0.01)


def _fill(
    read: Callable[[], Iterator[bytes]], pieces: "queue.Queue[bytes | BaseException | None]", ended: threading.Event
) -> None:
    found = read()
    try:
        for piece in found:
            if ended.is_set():
                break
            pieces.put(piece)
        else:
            pieces.put(None)
    except BaseException as error:  # noqa: BLE001 - it is raised where the pieces are taken
        pieces.put(error)
    finally:
        # A generator that is left in its middle lets go of its connection here, in the thread that used it.
        close = getattr(found, "close", None)
        if close is not None:
            close()


def _drain(pieces: "queue.Queue[bytes | BaseException | None]") -> None:
    while True:
        try:
            pieces.get_nowait()
        except queue.Empty:
            return
