"""Read ahead: the source works on while the target takes what was read, with a bounded store between them."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator

HELD_BYTES = 6 * 1024 * 1024
"""However large the table. A piece may be larger, because a row comes whole: then it is held alone."""
Item = bytes | BaseException | None


def ahead(read: Callable[[], Iterator[bytes]]) -> Generator[bytes, None, None]:
    """Give what `read` gives, read by a thread; what it raises is raised here. Closing early ends the reading."""
    pieces = _Weighed(HELD_BYTES)
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


class _Weighed(queue.Queue[Item]):
    """Full by the bytes that it holds."""

    def _init(self, maxsize: int) -> None:
        super()._init(maxsize)
        self._held = 0

    def _qsize(self) -> int:
        return self._held

    def _put(self, item: Item) -> None:
        super()._put(item)
        self._held += _weight(item)

    def _get(self) -> Item:
        item: Item = super()._get()
        self._held -= _weight(item)
        return item


def _weight(item: Item) -> int:
    return max(1, len(item)) if isinstance(item, bytes) else 1


def _fill(read: Callable[[], Iterator[bytes]], pieces: _Weighed, ended: threading.Event) -> None:
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


def _drain(pieces: _Weighed) -> None:
    while True:
        try:
            pieces.get_nowait()
        except queue.Empty:
            return
