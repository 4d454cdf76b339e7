"""Where the bytes of uploaded files come from: a folder, or an address that is asked for each."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import aiohttp
import yarl

from freehold.core.errors import DatabaseUnavailable, SourceBroken
from freehold.core.secret import Secret
from freehold.kit import json_text

PIECE_BYTES = 256 * 1024
OK, BAD_REQUEST, GONE = 200, 400, 404
REFUSED = (401, 403)
ATTEMPTS, ATTEMPTS_WHEN_BUSY = 5, 9
TIMEOUT_SECONDS = 300
LONGEST_PATIENCE_SECONDS = 30.0


class FileMissing(Exception):
    """The source has a row for the file, and no bytes."""


class FileCut(Exception):
    """The source began to give a file and broke off; asked again it may give the whole. `error` is for people."""

    def __init__(self, error: DatabaseUnavailable) -> None:
        """Keep what is to be said when it is not asked again."""
        super().__init__(error.message)
        self.error = error


class FileSource(Protocol):
    """Gives files by bucket and name."""

    @property
    def described(self) -> str:
        """What it is, for people."""

    def opened(self) -> AbstractAsyncContextManager["OpenFiles"]:
        """Connect, for as long as files are read."""


class OpenFiles(Protocol):
    """Files that can be read now."""

    def read(self, bucket: str, name: str) -> AsyncIterator[bytes]:
        """Give a file's bytes; raises FileMissing, FileCut, or DatabaseUnavailable when the source does not answer."""


class Folder:
    """Files as bucket/name below a folder, as `supabase storage cp -r` and most exports lay them out."""

    def __init__(self, root: Path) -> None:
        """Raises SourceBroken when there is no such folder."""
        if not root.is_dir():
            raise SourceBroken(f"{root} is no folder", hint="give the folder that holds one folder for each bucket")
        self._root = root.resolve()
        self.described = str(root)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Folder"]:
        """Nothing to connect to."""
        yield self

    async def read(self, bucket: str, name: str) -> AsyncIterator[bytes]:
        """Read one file; a name that leaves the folder names nothing."""
        try:
            path = (self._root / bucket / name).resolve()
            is_there = path.is_relative_to(self._root / bucket) and path.is_file()
        except OSError:  # a name that no file system takes
            is_there = False
        if not is_there:
            raise FileMissing(f"{bucket}/{name}")
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
                yield piece

    def names(self) -> set[tuple[str, str]]:
        """Every file that is there, as bucket and name."""
        files = (path.relative_to(self._root) for path in self._root.rglob("*") if path.is_file())
        return {(path.parts[0], "/".join(path.parts[1:])) for path in files if len(path.parts) > 1}


@dataclass(frozen=True)
class Asked:
    """A GET that gives a file."""

    address: str
    headers: Mapping[str, str]


class StorageApi:
    """The Storage API of a Supabase project, asked with its service key: private buckets answer too."""

    def __init__(self, url: str, key: Secret) -> None:
        """`url` is the project's address without a path."""
        self._url = url.rstrip("/")
        self._key = key
        self.described = f"{self._url}/storage/v1"

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["HttpFiles"]:
        """One pool of connections."""
        async with opened_http(self._asked, described=f"the Storage API at {self._url}") as files:
            yield files

    def _asked(self, bucket: str, name: str) -> Asked:
        address = f"{self._url}/storage/v1/object/authenticated/{quote(bucket, safe='')}/{quote(name)}"
        return Asked(address, {"authorization": f"Bearer {self._key.reveal()}", "apikey": self._key.reveal()})


@asynccontextmanager
async def opened_http(asked: Callable[[str, str], Asked], *, described: str) -> AsyncIterator["HttpFiles"]:
    """Files that are fetched by GET; `asked` makes the request for a bucket and a name, anew for each attempt."""
    timeout = aiohttp.ClientTimeout(total=None, sock_read=TIMEOUT_SECONDS, sock_connect=30)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        yield HttpFiles(session, asked, described)


class HttpFiles:
    """Made by `opened_http`."""

    def __init__(self, session: aiohttp.ClientSession, asked: Callable[[str, str], Asked], described: str) -> None:
        """Nothing is asked yet."""
        self._session = session
        self._asked = asked
        self._described = described

    async def read(self, bucket: str, name: str) -> AsyncIterator[bytes]:
        """Fetch a file; see OpenFiles."""
        response = await self._answer(bucket, name)
        async with response:
            if response.status != OK:
                raise await self._refusal(response, f"{bucket}/{name}")
            try:
                async for piece in response.content.iter_chunked(PIECE_BYTES):
                    yield piece
            except (aiohttp.ClientError, TimeoutError) as error:
                raise FileCut(self._away(error)) from None

    async def _refusal(self, response: aiohttp.ClientResponse, name: str) -> Exception:
        """Tell a file that is not there from a key that is refused: the Storage API answers 400 to both."""
        status, said = response.status, ""
        if status == BAD_REQUEST:
            status, said = _meant(await response.read())
        if status == GONE:
            return FileMissing(name)
        if status in REFUSED:
            return DatabaseUnavailable(
                f"{self._described} refuses the key",
                detail=said,
                hint="give one that may read every bucket: for the Storage API the project's service_role key",
            )
        return self._away(f"it answered {status} {said}".strip())

    async def _answer(self, bucket: str, name: str) -> aiohttp.ClientResponse:
        """Ask again while the source is busy or away, as patiently as it wants it."""
        for attempt in range(ATTEMPTS_WHEN_BUSY):
            asked, wanted = self._asked(bucket, name), ""
            try:
                response = await self._session.get(
                    yarl.URL(asked.address, encoded=True), headers=asked.headers, allow_redirects=False
                )
            except (aiohttp.ClientError, TimeoutError) as error:
                if attempt + 1 >= ATTEMPTS:
                    raise self._away(error) from None
            else:
                if response.status < 500 and response.status != 429:  # noqa: PLR2004 - the field's own numbers
                    return response
                wanted = response.headers.get("retry-after", "")
                response.close()
            await asyncio.sleep(patience_seconds(attempt, wanted))
        raise self._away(f"it answered {ATTEMPTS_WHEN_BUSY} times that it is busy")

    def _away(self, why: object) -> DatabaseUnavailable:
        return DatabaseUnavailable(
            f"{self._described} does not answer",
            detail=str(why),
            hint="run the same command again: files that are here are not fetched twice",
        )


def patience_seconds(attempt: int, wanted: str) -> float:
    """How long to leave a source alone after an attempt; `wanted` is its Retry-After, in seconds or "" for none."""
    longer = float(wanted) if wanted.isdigit() else 0.0
    return min(max((1 << attempt) / 4, longer), LONGEST_PATIENCE_SECONDS)


def _meant(body: bytes) -> tuple[int, str]:
    """The status that a Storage API's error says in its body, and its words."""
    try:
        told = json_text.read(body)
    except ValueError:
        return BAD_REQUEST, ""
    if not isinstance(told, dict):
        return BAD_REQUEST, ""
    status = str(told.get("statusCode", ""))
    return int(status) if status.isdigit() else BAD_REQUEST, str(told.get("message") or told.get("error") or "")
