"""Media types: what Accept and Content-Type mean, and how an answer is labelled."""

import re
from functools import lru_cache
from typing import NamedTuple

JSON = "application/json"
GEOJSON = "application/geo+json"
CSV = "text/csv"
TEXT = "text/plain"
XML = "text/xml"
OPENAPI = "application/openapi+json"
URLENCODED = "application/x-www-form-urlencoded"
OCTETS = "application/octet-stream"
ANY = "*/*"
SINGULAR = "application/vnd.pgrst.object+json"
ARRAY_STRIPPED = "application/vnd.pgrst.array+json;nulls=stripped"
SINGULAR_STRIPPED = "application/vnd.pgrst.object+json;nulls=stripped"
KNOWN = frozenset({JSON, GEOJSON, CSV, TEXT, XML, OPENAPI, URLENCODED, OCTETS, ANY})
WITHOUT_CHARSET = frozenset({OCTETS})
PLAN_OPTIONS = ("analyze", "verbose", "settings", "buffers", "wal")

_TYPE = re.compile(r"([a-zA-Z0-9.*]+)/([a-zA-Z0-9.*+\-]+)")
_PARAMETER = re.compile(r'\s*;\s*([a-zA-Z0-9\-]+)\s*=\s*(?:"([^"]*)"|([a-zA-Z0-9|\-]+))')
_QUALITY = re.compile(r";\s*q\s*=\s*([0-9.]+)\s*(?=;|\Z)")


class MediaType(NamedTuple):
    """A media type in canonical form; an execution plan also says what it explains and how."""

    name: str
    plan_of: str = ""
    plan_format: str = ""
    """text or json."""
    plan_options: tuple[str, ...] = ()

    @property
    def is_plan(self) -> bool:
        """Whether the query is to be explained."""
        return bool(self.plan_format)

    def content_type(self) -> bytes:
        """The Content-Type header's value."""
        return _content_type(self)

    def written(self) -> bytes:
        """The same, without the cache."""
        if self.is_plan:
            options = "; options=" + "|".join(self.plan_options) if self.plan_options else ""
            text = f'application/vnd.pgrst.plan+{self.plan_format}; for="{self.plan_of}"{options}'
            return f"{text}; charset=utf-8".encode()
        has_charset = self.name in _WITH_CHARSET
        return self.name.encode() + (b"; charset=utf-8" if has_charset else b"")


@lru_cache(maxsize=200)
def _content_type(media_type: MediaType) -> bytes:
    return media_type.written()


_WITH_CHARSET = (KNOWN - WITHOUT_CHARSET) | {SINGULAR, ARRAY_STRIPPED, SINGULAR_STRIPPED}


@lru_cache(maxsize=500)
def accepted(header: str | None) -> tuple[MediaType, ...]:
    """Read an Accept header, best first."""
    if header is None:
        return (MediaType(ANY),)
    weighted = [_weighted(part) for part in _split(header)]
    weighted.sort(key=lambda item: -item[0])
    return tuple(parse(text) for _, text in weighted)


@lru_cache(maxsize=500)
def parse(text: str) -> MediaType:
    """Read one media type with its parameters."""
    match = _TYPE.match(text)
    if match is None:
        return MediaType(text)
    name = f"{match[1]}/{match[2]}".lower()
    parameters = _parameters(text[match.end() :])
    stripped = parameters.get("nulls") == "stripped"
    if name in KNOWN:
        return MediaType(name)
    if name in (SINGULAR, "application/vnd.pgrst.object"):
        return MediaType(SINGULAR_STRIPPED if stripped else SINGULAR)
    if name in ("application/vnd.pgrst.array+json", "application/vnd.pgrst.array"):
        return MediaType(ARRAY_STRIPPED if stripped else JSON)
    if name in ("application/vnd.pgrst.plan", "application/vnd.pgrst.plan+text", "application/vnd.pgrst.plan+json"):
        wanted = parameters.get("options", "").split("|")
        options = tuple(option for option in PLAN_OPTIONS if option in wanted)
        return MediaType(
            name, parse(parameters.get("for", JSON)).name, "json" if name.endswith("json") else "text", options
        )
    return MediaType(text)


def as_written(media_type: MediaType) -> str:
    """The type as errors show it."""
    if media_type.is_plan:
        return media_type.content_type().decode().removesuffix("; charset=utf-8")
    return media_type.name


def _split(header: str) -> list[str]:
    """Split at commas outside of quotes."""
    return [part.strip() for part in re.findall(r'(?:"[^"]*"|[^,"])+', header) if part.strip()]


def _weighted(part: str) -> tuple[float, str]:
    match = _QUALITY.search(part)
    if match is None:
        return 1.0, part
    try:
        quality = float(match[1])
    except ValueError:
        quality = 0.0
    return quality, part[: match.start()] + part[match.end() :]


def _parameters(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while (match := _PARAMETER.match(text, position)) is not None:
        found[match[1].lower()] = match[2] if match[2] is not None else match[3]
        position = match.end()
    return found
