"""Uploaded files from an address that refuses, is busy, breaks off or never had them: nothing is taken for missing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from move_world import Target, live, write_files
from served import served

from freehold.core.errors import DatabaseUnavailable, MoveRefused
from freehold.core.secret import Secret
from freehold.data.move.run import move
from freehold.data.move.verify import verify
from freehold.data.sources import files as file_sources
from freehold.data.sources.files import FileMissing, Folder, StorageApi
from freehold.testing import database as databases

CONTENT = b"the bytes" * 100_000
FILES = 6


async def whole(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


class Door:
    """A Storage API that answers what it was told, one answer after the other; the last one stays."""

    def __init__(self, *answers: web.Response) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def answer(self, _request: web.Request) -> web.Response:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.asked += 1
        return web.Response(status=answer.status, body=answer.body, headers=dict(answer.headers))


async def read(door: Door, name: str = "a.txt") -> bytes:
    app = web.Application()
    app.router.add_get("/{path:.*}", door.answer)
    async with served(app) as url, StorageApi(url, Secret("key")).opened() as files:
        return await whole(files.read("private", name))


def said(status: int, code: str, words: str) -> web.Response:
    """An error as the Storage API of a project says it."""
    return web.json_response({"statusCode": code, "error": words, "message": words}, status=status)


@pytest.mark.parametrize(
    "answer",
    [
        said(400, "404", "Object not found"),
        said(404, "404", "Object not found"),
        web.Response(status=404, body=b"<Error><Code>NoSuchKey</Code></Error>"),
    ],
)
async def test_a_file_that_is_not_there_is_missing(answer: web.Response) -> None:
    with pytest.raises(FileMissing):
        await read(Door(answer))


@pytest.mark.parametrize(
    "answer",
    [
        said(400, "403", "Invalid Compact JWS"),
        said(400, "401", "jwt expired"),
        web.Response(status=401, body=b"{}"),
        web.Response(status=403, body=b"<Error><Code>SignatureDoesNotMatch</Code></Error>"),
    ],
)
async def test_a_key_that_is_refused_makes_no_file_missing(answer: web.Response) -> None:
    """The Storage API says 400 to a wrong key, too: taken for a file that is not there, every file would be lost."""
    with pytest.raises(DatabaseUnavailable, match="refuses the key"):
        await read(Door(answer))


@pytest.mark.parametrize("answer", [web.Response(status=400, body=b"what"), web.Response(status=302)])
async def test_an_answer_that_nobody_knows_makes_no_file_missing(answer: web.Response) -> None:
    with pytest.raises(DatabaseUnavailable, match="does not answer"):
        await read(Door(answer))


async def test_a_busy_source_is_asked_again() -> None:
    door = Door(web.Response(status=429), web.Response(status=503), web.Response(body=CONTENT))
    assert (await read(door), door.asked) == (CONTENT, 3)


@pytest.mark.parametrize(
    ("attempt", "wanted", "seconds"), [(0, "", 0.25), (0, "7", 7.0), (4, "1", 4.0), (0, "3600", 30.0), (2, "soon", 1.0)]
)
def test_a_busy_source_says_how_long_it_wants_to_be_left_alone(attempt: int, wanted: str, seconds: float) -> None:
    assert file_sources.patience_seconds(attempt, wanted) == seconds


def test_a_wrong_place_for_files_is_refused_and_the_right_one_taken_afterwards(
    source: databases.FreshDatabase, target: Target, tmp_path: Path
) -> None:
    """Rows without bytes are left out, and named: of a wrong folder that would be every row."""
    (tmp_path / "wrong/papers").mkdir(parents=True)
    with live(source) as opened:
        with pytest.raises(MoveRefused, match=f"not one of the {FILES} files"):
            target.take(opened, tmp_path / "wrong")
        target.take(opened, write_files(tmp_path / "files", FILES))
        assert verify(opened, target.destination, target.events.append).files.fetched == FILES
    assert target.ask("select count(*) from storage.objects") == [(FILES,)]


def test_files_that_are_left_after_all_leave_no_rows(
    source: databases.FreshDatabase, target: Target, tmp_path: Path
) -> None:
    (tmp_path / "wrong").mkdir()
    with live(source) as opened:
        with pytest.raises(MoveRefused):
            target.take(opened, tmp_path / "wrong")
        target.take(opened)
        assert verify(opened, target.destination, target.events.append).faults == ()
        assert target.ask("select count(*) from storage.objects") == [(0,)]
        target.take(opened, write_files(tmp_path / "files", FILES))
        assert verify(opened, target.destination, target.events.append).files.fetched == FILES


async def test_a_file_that_breaks_off_is_begun_again(source: databases.FreshDatabase, target: Target) -> None:
    """Every second answer breaks off in the middle; each file arrives whole."""
    contents = {number: f"content of {number}".encode() for number in range(1, FILES + 1)}
    begun: dict[str, int] = {}

    async def door(request: web.Request) -> web.StreamResponse:
        begun[request.path] = begun.get(request.path, 0) + 1
        content = contents[int(request.path.rpartition(" ")[2].removesuffix(".txt"))]
        response = web.StreamResponse(headers={"content-length": str(len(content))})
        await response.prepare(request)
        if begun[request.path] == 1:
            await response.write(content[:3])
            assert request.transport is not None
            request.transport.abort()
        else:
            await response.write(content)
        return response

    app = web.Application()
    app.router.add_get("/{path:.*}", door)
    async with served(app) as url:

        def run() -> tuple[str, ...]:
            with live(source) as opened:
                move(opened, target.destination, (), target.events.append, files=StorageApi(url, Secret("key")))
                return verify(opened, target.destination, target.events.append).faults

        assert await asyncio.to_thread(run) == ()
    assert set(begun.values()) == {2}
    assert target.ask("select outcome, count(*) from freehold.move_files group by 1") == [("moved", FILES)]


async def test_a_name_that_no_folder_can_have_is_missing(tmp_path: Path) -> None:
    async with Folder(tmp_path).opened() as files:
        for name in ("x" * 5000, "a/" + "y" * 300, "../outside", "/etc/passwd"):
            with pytest.raises(FileMissing):
                await whole(files.read("papers", name))
