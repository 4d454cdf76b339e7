"""What a client uploads, never whole in memory: raw, or as a form whose file has an empty field name in supabase-js."""

import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from starlette.requests import Request

from freehold.kit import json_text
from freehold.runtime.storage import errors
from freehold.runtime.storage.multipart import Form, open_form

MAX_USER_METADATA_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Incoming:
    """An upload whose bytes are still to come. `declared_length` is the request's, form and all, or None."""

    mime_type: str
    declared_length: int | None
    robots: str
    _raw: AsyncIterator[bytes]
    _headers: dict[str, str] = field(repr=False)
    _form: Form | None = None

    async def chunks(self, limit: int) -> AsyncIterator[bytes]:
        """Give the file's bytes; raises EntityTooLarge with the first byte over `limit`."""
        size = 0
        async for chunk in self._form.file() if self._form else self._raw:
            size += len(chunk)
            if size > limit:
                raise errors.too_large()
            yield chunk

    @property
    def cache_control(self) -> str:
        """What downloads will say; the form's is in seconds."""
        if self._form is None:
            return self._headers.get("cache-control", "no-cache")
        seconds = self._form.fields.get("cacheControl", "")
        return f"max-age={seconds}" if seconds else "no-cache"

    def user_metadata(self) -> object:
        """The caller's own metadata, None when there is none that can be read."""
        if self._form is None:
            return header_metadata(self._headers.get("x-metadata"))
        text = self._form.fields.get("metadata", self._form.fields.get("userMetadata"))
        return _parsed(text.encode()) if text else None


async def open_incoming(request: Request) -> Incoming:
    """Read as far as the file's first byte; raises InvalidRequest when there is no file."""
    headers = dict(request.headers)
    content_type = headers.get("content-type", "")
    length = headers.get("content-length", "")
    form = None
    if content_type.lower().startswith("multipart/form-data"):
        form = await open_form(content_type, request.stream())
        mime_type = form.fields.get("contentType") or form.file_type
    else:
        mime_type = content_type or "application/octet-stream"
    return Incoming(
        mime_type=mime_type,
        declared_length=int(length) if length.isascii() and length.isdigit() else None,
        robots=headers.get("x-robots-tag", ""),
        _raw=request.stream() if form is None else _nothing(),
        _headers=headers,
        _form=form,
    )


def header_metadata(value: str | None) -> object:
    """Read the header x-metadata: JSON in base64; what cannot be read counts as none, as upstream has it."""
    if not value:
        return None
    try:
        return _parsed(base64.b64decode(value))
    except ValueError:
        return None


def is_raw_and_too_large(incoming: Incoming, limit: int) -> bool:
    """Whether a raw upload announces more than `limit` bytes."""
    declared = incoming.declared_length
    return incoming._form is None and declared is not None and declared > limit  # noqa: SLF001 - same module


def _parsed(text: bytes) -> object:
    if len(text) > MAX_USER_METADATA_BYTES:
        raise errors.too_large("user_metadata")
    try:
        value: object = json_text.read(text)
    except ValueError:
        return None
    return value


async def _nothing() -> AsyncIterator[bytes]:
    chunks: tuple[bytes, ...] = ()
    for chunk in chunks:
        yield chunk
