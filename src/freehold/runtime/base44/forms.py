"""A small form with one file in it, read whole; big uploads go to storage without passing through here."""

from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from freehold.runtime.base44.http import Request, plain

LARGEST_BYTES = 16 * 1024 * 1024


@dataclass
class Form:
    """`file` is None when there was none."""

    file: bytes | None = None
    file_name: str = ""
    fields: dict[str, str] = field(default_factory=dict)


async def read_form(request: Request) -> Form:
    """Read a multipart form; a broken one is refused with 400."""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise plain(400, "The request is no form")
    reader = _Reader(boundary)
    try:
        reader.parser.write(await request.body(LARGEST_BYTES))
        reader.parser.finalize()
    except MultipartParseError as error:
        raise plain(400, "The form cannot be read") from error
    return reader.form


class _Reader:
    def __init__(self, boundary: bytes) -> None:
        self.form = Form()
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._data: list[bytes] = []
        self.parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
            },
        )

    def _begin(self) -> None:
        self._headers, self._data = {}, []

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def _part_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        content = b"".join(self._data)
        if b"filename" in options:
            self.form.file = content
            self.form.file_name = options[b"filename"].decode("utf-8", "replace")
        else:
            self.form.fields[options.get(b"name", b"").decode("utf-8", "replace")] = content.decode("utf-8", "replace")
