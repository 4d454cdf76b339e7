"""Names, sizes and types as Supabase Storage takes them."""

import pytest

from freehold.runtime.storage import names
from freehold.runtime.storage.errors import StorageError

SERVER_LIMIT = 50 * 1024 * 1024


@pytest.mark.parametrize(
    "key", ["cat.png", "folder/cat (1).png", "a//b", "special file @+$,;=?.txt", "it's.txt", "a" * 1024]
)
def test_a_key_of_safe_characters_is_taken(key: str) -> None:
    assert names.check_key(key) == key


@pytest.mark.parametrize(
    "key", ["", "../etc/passwd", "a/../b", "./a", "a/.", "a\0b", "a\nb", "ключ.png", "a%b", "a#b", "a\\b", "a" * 1025]
)
def test_a_key_that_could_escape_or_be_rewritten_is_refused(key: str) -> None:
    with pytest.raises(StorageError) as refused:
        names.check_key(key)
    assert refused.value.code == "InvalidKey"


@pytest.mark.parametrize("name", ["avatars", "my bucket", "a" * 100, "x@y"])
def test_a_bucket_name_of_safe_characters_is_taken(name: str) -> None:
    assert names.check_new_bucket(name) == name


@pytest.mark.parametrize("name", ["", "a/b", " avatars", "avatars ", "..", "a" * 101, "ü"])
def test_a_bucket_name_with_slashes_spaces_at_the_ends_or_too_long_is_refused(name: str) -> None:
    with pytest.raises(StorageError) as refused:
        names.check_new_bucket(name)
    assert refused.value.code == "InvalidBucketName"


@pytest.mark.parametrize(
    ("written", "size"), [(None, None), (1000, 1000), ("1kb", 1000), ("1.5MB", 1_500_000), ("20B", 20), ("4096", 4096)]
)
def test_sizes_are_decimal(written: object, size: int | None) -> None:
    assert names.size_in_bytes(written, SERVER_LIMIT) == size


@pytest.mark.parametrize("written", ["20 apples", "kb", -1, True, [], "1GB", "²", "9" * 5000, "9" * 5000 + "GB"])
def test_a_size_that_cannot_be_read_or_is_over_the_servers_is_refused(written: object) -> None:
    with pytest.raises(StorageError):
        names.size_in_bytes(written, SERVER_LIMIT)


def test_a_star_covers_every_subtype_and_nothing_else() -> None:
    names.check_mime_type("image/png", ["image/*"])
    names.check_mime_type("text/plain", ["image/*", "text/plain"])
    for mime_type in ("imagery/png", "text/html", "image", ""):
        with pytest.raises(StorageError) as refused:
            names.check_mime_type(mime_type, ["image/*", "text/plain"])
        assert refused.value.status == 415


def test_wildcards_in_a_search_are_letters() -> None:
    assert names.like_literal(r"50%_a\b") == r"50\%\_a\\b"
