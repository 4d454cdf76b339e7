"""A connection string is known as one in whatever order its words stand: taken for a path it would be printed."""

import pytest

from freehold.core.errors import FreeholdError
from freehold.core.secret import Secret
from freehold.flows.move_work import is_address, open_source_of

CANARY = "canary-5a1e"


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://u:{CANARY}@127.0.0.1:1/x",
        f"postgresql://u:{CANARY}@127.0.0.1:1/x",
        f"user=u password={CANARY} host=127.0.0.1 port=1",
        f"password = {CANARY} host=127.0.0.1 port=1",
        f"dbname=x user=u password={CANARY} host=/nowhere/at/all",
    ],
)
def test_no_password_stands_in_the_error_of_a_source_that_is_not_there(text: str) -> None:
    assert is_address(text)
    with pytest.raises(FreeholdError) as failed, open_source_of(Secret(text)):
        pass
    assert CANARY not in f"{failed.value.message} {failed.value.detail} {failed.value.hint}"


@pytest.mark.parametrize("text", ["./database_export.zip", "/tmp/x.dump", "a folder/x=y.sql", "project.dump"])
def test_a_path_is_no_address(text: str) -> None:
    assert not is_address(text)
