"""Forms are read as they arrive, in whatever pieces."""

from collections.abc import AsyncIterator

import pytest

from freehold.runtime.storage.errors import StorageError
from freehold.runtime.storage.multipart import MAX_FIELD_BYTES, open_form

BOUNDARY = "----edge"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def part(name: str, value: bytes, *, file_name: str | None = None, mime_type: str = "") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    head += f'; filename="{file_name}"' if file_name is not None else ""
    head += f"\r\nContent-Type: {mime_type}" if mime_type else ""
    return head.encode() + b"\r\n\r\n" + value + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(content: bytes, size: int = 7) -> tuple[dict[str, str], str, bytes]:
    form = await open_form(TYPE, pieces(content, size))
    file = b"".join([chunk async for chunk in form.file()])
    return form.fields, form.file_type, file


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_the_file_under_an_empty_name_is_found_in_pieces_of_any_size(size: int) -> None:
    content = part("cacheControl", b"3600") + part("", b"\r\n--bytes", file_name="blob", mime_type="image/png") + END
    assert await read(content, size) == ({"cacheControl": "3600"}, "image/png", b"\r\n--bytes")


async def test_fields_behind_the_file_count_too() -> None:
    content = part("file", b"x", file_name="a.txt") + part("metadata", b"{}") + END
    assert await read(content) == ({"metadata": "{}"}, "application/octet-stream", b"x")


async def test_a_form_that_breaks_off_is_an_error() -> None:
    with pytest.raises(StorageError, match="Unexpected end"):
        await read(part("", b"half", file_name="blob"))


@pytest.mark.parametrize(
    "content",
    [
        END,
        part("only", b"a field") + END,
        part("", b"1", file_name="a") + part("", b"2", file_name="b") + END,
        b"".join(part(f"f{number}", b"") for number in range(11)) + part("", b"", file_name="a") + END,
        b"this is no form at all",
    ],
)
async def test_a_form_that_is_not_one_file_with_a_few_fields_is_refused(content: bytes) -> None:
    with pytest.raises(StorageError):
        await read(content, 4096)


async def test_a_field_cannot_fill_the_memory() -> None:
    with pytest.raises(StorageError) as refused:
        await read(part("metadata", b"x" * (MAX_FIELD_BYTES + 1)) + part("", b"", file_name="a") + END, 65536)
    assert refused.value.status == 413


async def test_a_form_without_a_boundary_is_refused() -> None:
    with pytest.raises(StorageError, match="Boundary"):
        await open_form("multipart/form-data", pieces(END, 10))
