"""Every route of Storage, who may come in by it, and what policies see it as (`storage.operation()`)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

from starlette.responses import PlainTextResponse, Response

from freehold.runtime.storage import buckets, downloads, errors, listing, objects, uploads
from freehold.runtime.storage.call import Call

Answer = Callable[[Call], Awaitable[Response]]


class Access(Enum):
    """Who is let in. Past this door the policies decide, but for public buckets and signed URLs."""

    OPEN = "nobody is asked who they are: public buckets, signed URLs, health"
    OPTIONAL = "without a token that holds, public buckets only"
    CALLER = "a key or a token that holds"
    SERVICE = "service_role only"


@dataclass(frozen=True, slots=True)
class Route:
    """`path` has segments; ":bucket" is any one, a last "*" the rest."""

    method: str
    path: str
    access: Access
    operation: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Match:
    """A route and what its path names."""

    route: Route
    bucket: str = ""
    key: str = ""


def find(method: str, raw_path: bytes) -> Match | None:
    """Give the first route that fits; raises InvalidKey when a segment is not UTF-8."""
    segments = raw_path.strip(b"/").split(b"/") if raw_path.rstrip(b"/").count(b"/") <= 1 else raw_path[1:].split(b"/")
    for route in ROUTES:
        if route.method == method:
            match = _fit(route, segments)
            if match is not None:
                return match
    return None


def _fit(route: Route, segments: list[bytes]) -> Match | None:
    pattern = route.path[1:].split("/")
    rest = pattern[-1] == "*"
    fixed = pattern[:-1] if rest else pattern
    if len(segments) != len(fixed) and not (rest and len(segments) > len(fixed)):
        return None
    bucket = ""
    for wanted, segment in zip(fixed, segments, strict=False):
        if wanted == ":bucket":
            bucket = _decoded(segment)
        elif wanted.encode() != segment:
            return None
    return Match(route, bucket, _decoded(b"/".join(segments[len(fixed) :])) if rest else "")


def _decoded(segment: bytes) -> str:
    try:
        text = unquote(segment.decode("ascii"), errors="strict")
    except UnicodeDecodeError as error:
        raise errors.invalid_key(segment.decode("ascii", "replace")) from error
    if "\0" in text:
        raise errors.invalid_key(text.replace("\0", "�"))
    return text


async def _ready(_call: Call) -> Response:
    return Response()


async def _version(_call: Call) -> Response:
    return PlainTextResponse("Freehold")


async def _no_resumable(_call: Call) -> Response:
    raise errors.not_enabled("Resumable uploads (TUS)")


async def _no_s3(_call: Call) -> Response:
    raise errors.not_enabled("Requests of the S3 protocol")


_GET, _INFO, _HEAD = (
    "storage.object.get_authenticated",
    "object.get_authenticated_info",
    "object.head_authenticated_info",
)
_SIGNED, _PUBLIC = "storage.object.get_signed", "storage.object.get_public"
_PUBLIC_INFO = "storage.object.info_public"
_RENDER = "storage.render.image_"
_TUS = "/upload/resumable"

# The first that fits counts: fixed words before ":bucket".
ROUTES: tuple[Route, ...] = (
    Route("GET", "/status", Access.OPEN, "", _ready),
    Route("HEAD", "/status", Access.OPEN, "", _ready),
    Route("GET", "/version", Access.OPEN, "", _version),
    Route("GET", "/bucket", Access.CALLER, "storage.bucket.list", buckets.list_buckets),
    Route("POST", "/bucket", Access.CALLER, "storage.bucket.create", buckets.create_bucket),
    Route("GET", "/bucket/:bucket", Access.CALLER, "storage.bucket.get", buckets.get_bucket),
    Route("PUT", "/bucket/:bucket", Access.CALLER, "storage.bucket.update", buckets.update_bucket),
    Route("DELETE", "/bucket/:bucket", Access.CALLER, "storage.bucket.delete", buckets.delete_bucket),
    Route("POST", "/bucket/:bucket/empty", Access.SERVICE, "storage.bucket.empty", buckets.empty_bucket),
    Route("GET", "/object/public/:bucket/*", Access.OPEN, _PUBLIC, downloads.get_public_object),
    Route("HEAD", "/object/public/:bucket/*", Access.OPEN, _PUBLIC_INFO, downloads.head_public_object),
    Route("GET", "/object/info/public/:bucket/*", Access.OPEN, _PUBLIC_INFO, downloads.info_public_object),
    Route("HEAD", "/object/info/public/:bucket/*", Access.OPEN, _PUBLIC_INFO, downloads.info_public_object),
    Route("GET", "/object/sign/:bucket/*", Access.OPEN, _SIGNED, downloads.get_signed_object),
    Route("HEAD", "/object/sign/:bucket/*", Access.OPEN, _SIGNED, downloads.head_signed_object),
    Route(
        "PUT", "/object/upload/sign/:bucket/*", Access.OPEN, "storage.object.upload_signed", uploads.put_signed_object
    ),
    Route("GET", "/object/authenticated/:bucket/*", Access.CALLER, _GET, downloads.get_object),
    Route("HEAD", "/object/authenticated/:bucket/*", Access.CALLER, _HEAD, downloads.head_object),
    Route("GET", "/object/info/authenticated/:bucket/*", Access.CALLER, _INFO, downloads.info_object),
    Route("HEAD", "/object/info/authenticated/:bucket/*", Access.CALLER, _INFO, downloads.info_object),
    Route("GET", "/object/info/:bucket/*", Access.OPTIONAL, _INFO, downloads.info_object),
    Route("HEAD", "/object/info/:bucket/*", Access.OPTIONAL, _INFO, downloads.info_object),
    Route("GET", "/object/:bucket/*", Access.OPTIONAL, _GET, downloads.get_object),
    Route("HEAD", "/object/:bucket/*", Access.OPTIONAL, _HEAD, downloads.head_object),
    Route("POST", "/object/list/:bucket", Access.CALLER, "storage.object.list", listing.list_objects),
    Route("POST", "/object/list-v2/:bucket", Access.CALLER, "storage.object.list_v2", listing.list_objects_v2),
    Route("POST", "/object/move", Access.CALLER, "storage.object.move", objects.move_object),
    Route("POST", "/object/copy", Access.CALLER, "storage.object.copy", objects.copy_object),
    Route(
        "POST", "/object/upload/sign/:bucket/*", Access.CALLER, "storage.object.sign_upload_url", uploads.sign_upload
    ),
    Route("POST", "/object/sign/:bucket", Access.CALLER, "storage.object.sign_many", objects.sign_objects),
    Route("POST", "/object/sign/:bucket/*", Access.CALLER, "storage.object.sign", objects.sign_object),
    Route("POST", "/object/:bucket/*", Access.CALLER, "storage.object.upload", uploads.post_object),
    Route("PUT", "/object/:bucket/*", Access.CALLER, "storage.object.upload_update", uploads.put_object),
    Route("DELETE", "/object/:bucket", Access.CALLER, "storage.object.delete_many", objects.delete_objects),
    Route("DELETE", "/object/:bucket/*", Access.CALLER, "storage.object.delete", objects.delete_object),
    *(
        Route(method, f"/render/image/{kind}/:bucket/*", access, f"{_RENDER}{kind}", answer)
        for kind, access, get, head in (
            ("public", Access.OPEN, downloads.get_public_object, downloads.head_public_object),
            ("authenticated", Access.CALLER, downloads.get_object, downloads.head_object),
            ("sign", Access.OPEN, downloads.get_signed_object, downloads.head_signed_object),
        )
        for method, answer in (("GET", get), ("HEAD", head))
    ),
    *(
        Route(method, path, Access.OPEN, "storage.tus.options", _no_resumable)
        for method in ("OPTIONS", "POST", "HEAD", "PATCH", "DELETE")
        for path in (_TUS, f"{_TUS}/*")
    ),
    *(
        Route(method, path, Access.OPEN, "storage.s3.bucket.list", _no_s3)
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE")
        for path in ("/s3", "/s3/*")
    ),
)
