"""A form of which one part is a file, read as it arrives: fields are kept, the file's bytes are passed on."""

from collections import deque
from collections.abc import AsyncIterator

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from freehold.runtime.storage import errors

MAX_FIELDS = 10
MAX_FIELD_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 16 * 1024


class Form:
    """A form whose file has begun. `fields` is complete when `file` is read to its end."""

    def __init__(self, parts: "_Parts", stream: AsyncIterator[bytes]) -> None:
        """Take over a stream of which the file's headers were read."""
        self._parts = parts
        self._stream = stream
        self.fields = parts.fields
        self.file_type = parts.file_type

    async def file(self) -> AsyncIterator[bytes]:
        """Give the file's bytes, then read on to the end of the form; a form that breaks off raises InvalidRequest."""
        while True:
            while self._parts.file_chunks:
                yield self._parts.file_chunks.popleft()
            chunk = await anext(self._stream, b"")
            if not chunk and not self._parts.ended:
                raise errors.invalid_request("Unexpected end of form")
            if not chunk:
                return
            self._parts.feed(chunk)


async def open_form(content_type: str, stream: AsyncIterator[bytes]) -> Form:
    """Read as far as the file; raises InvalidRequest when the form is broken or has none."""
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise errors.invalid_request("Multipart: Boundary not found")
    parts = _Parts(boundary)
    async for chunk in stream:
        if chunk:
            parts.feed(chunk)
        if parts.file_seen:
            return Form(parts, stream)
    raise errors.invalid_request("No content provided")


class _Parts:
    """Turns the parser's callbacks into fields and file chunks."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.file_type = "application/octet-stream"
        self.file_chunks: deque[bytes] = deque()
        self.file_seen = False
        self.ended = False
        self._in_file = False
        self._name = ""
        self._value = bytearray()
        self._header_name = b""
        self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value_part,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def feed(self, chunk: bytes) -> None:
        """Parse one more chunk."""
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise errors.invalid_request("The form cannot be read") from error

    def _part_begin(self) -> None:
        self._headers = {}
        self._header_name = self._header_value = b""
        self._value = bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name = _grown(self._header_name, data[start:end])

    def _header_value_part(self, data: bytes, start: int, end: int) -> None:
        self._header_value = _grown(self._header_value, data[start:end])

    def _header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""
        if len(self._headers) > MAX_FIELDS:
            raise errors.invalid_request("A part of the form has too many headers")

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        # supabase-js names the file "", and browsers always give it a file name
        self._in_file = b"filename" in options or not self._name
        if not self._in_file and len(self.fields) >= MAX_FIELDS:
            raise errors.invalid_request("The form has too many fields")
        if self._in_file:
            if self.file_seen:
                raise errors.invalid_request("The form has more than one file")
            self.file_seen = True
            self.file_type = self._headers.get(b"content-type", b"application/octet-stream").decode("latin-1")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self.file_chunks.append(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > MAX_FIELD_BYTES:
            raise errors.too_large("user_metadata" if self._name in {"metadata", "userMetadata"} else "field")

    def _part_end(self) -> None:
        if not self._in_file:
            self.fields[self._name] = self._value.decode("utf-8", "replace")
        self._in_file = False

    def _end(self) -> None:
        self.ended = True


def _grown(text: bytes, more: bytes) -> bytes:
    if len(text) + len(more) > MAX_HEADER_BYTES:
        raise errors.invalid_request("A header in the form is too long")
    return text + more
