"""Which names buckets and objects may have, and how sizes and types are written. The sets are Supabase Storage's."""

import re

from freehold.runtime.storage import errors

MAX_KEY_BYTES = 1024
"""S3's limit for a key, so that objects can move to any store."""
MAX_BUCKET_NAME = 100
MAX_MIME_TYPE = 1000

_KEY = re.compile(r"[A-Za-z0-9_/!.*'() &$=@;:+,?-]+")
_BUCKET = re.compile(r"[A-Za-z0-9_!.*'() &$=@;:+,?-]+")
_NUMBER = re.compile("[0-9]{1,18}")
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]+)?)(gb|mb|kb|b)", re.IGNORECASE)
_MIME_TYPE = re.compile(r"([a-zA-Z0-9\-+.]+)/([a-zA-Z0-9\-+.]+)(;\s*charset=[a-zA-Z0-9\-]+)?|.*\*")
_FACTORS = {"gb": 1e9, "mb": 1e6, "kb": 1e3, "b": 1}
_EMPTY_FOLDER = ".emptyFolderPlaceholder"


def check_key(key: str) -> str:
    """Give back the key of an object that is to be written; raises InvalidKey.

    Dot segments are refused although they mean nothing to our store: a browser or proxy would rewrite them.
    """
    if not _KEY.fullmatch(key) or len(key) > MAX_KEY_BYTES or {".", ".."} & set(key.split("/")):
        raise errors.invalid_key(key[:MAX_KEY_BYTES])
    return key


def check_bucket(name: str) -> str:
    """Give back the id of a bucket that a request names; raises InvalidBucketName."""
    if len(name) > MAX_BUCKET_NAME or not _BUCKET.fullmatch(name):
        raise errors.invalid_bucket_name()
    return name


def check_new_bucket(name: str) -> str:
    """The same for a bucket that is to be made, where spaces at the ends are refused too."""
    if name.strip() != name or name in {".", ".."}:
        raise errors.invalid_bucket_name()
    return check_bucket(name)


def url_path(key: str) -> str:
    """Write a key into a URL that clients encode once more: only what would end the path is encoded."""
    return key.replace("%", "%25").replace("?", "%3F").replace("#", "%23")


def is_empty_folder(key: str) -> bool:
    """Whether this is the 0-byte object by which the dashboard keeps an empty folder."""
    return key.endswith(_EMPTY_FOLDER)


def whole_number(text: str) -> int | None:
    """Read a number that is written in digits; None for anything else, and for more than any number here has."""
    return int(text) if _NUMBER.fullmatch(text) else None


def size_in_bytes(value: object, limit: int) -> int | None:
    """Read a bucket's file_size_limit: a number, "20MB" (decimal), or None; raises when it is over the server's."""
    if value is None:
        return None
    if isinstance(value, str) and (number := whole_number(value)) is not None:
        size = number
    elif isinstance(value, str):
        match = _SIZE.fullmatch(value)
        if match is None:
            raise errors.invalid_request("Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B")
        size = int(float(match[1]) * _FACTORS[match[2].lower()])
    elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        size = value
    else:
        raise errors.invalid_body("body/file_size_limit must be integer, string or null")
    if size > limit:
        raise errors.too_large()
    return size


def mime_types(value: object) -> list[str] | None:
    """Read a bucket's allowed_mime_types; empty strings are dropped; raises InvalidMimeType."""
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise errors.invalid_body("body/allowed_mime_types must be array of strings")
    for item in value:
        if len(item) > MAX_MIME_TYPE or (item and not _MIME_TYPE.fullmatch(item)):
            raise errors.invalid_mime_type(item[:MAX_MIME_TYPE])
    return [item for item in value if item]


def check_mime_type(mime_type: str, allowed: list[str]) -> None:
    """Refuse a type that none of the allowed ones covers; "image/*" covers every image."""
    kind, _, subtype = mime_type.partition("/")
    for item in allowed:
        allowed_kind, _, allowed_subtype = item.partition("/")
        if subtype and kind == allowed_kind and allowed_subtype in {"*", subtype.partition("/")[0]}:
            return
    raise errors.invalid_mime_type(mime_type)


def like_literal(text: str) -> str:
    """Escape what LIKE takes for wildcards."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
