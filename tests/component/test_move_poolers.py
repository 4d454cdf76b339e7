"""An address that leads to a transaction pooler is refused with the address to take: a copy needs one session."""

from collections.abc import Iterator

import pytest
from pooler import pooled
from psycopg import conninfo

from freehold.core.errors import DatabaseUnavailable
from freehold.core.secret import Secret
from freehold.data.move import decisions
from freehold.data.sources.live import open_live, reaching
from freehold.testing import database as databases


@pytest.fixture(params=["refuses", "drops"])
def pooler(request: pytest.FixtureRequest, source: databases.FreshDatabase) -> Iterator[str]:
    """A pooler refuses a session's settings, or drops them, as it was told."""
    settings = ["ignore_startup_parameters = options"] if request.param == "drops" else []
    with pooled(source, source.superuser_dsn, *settings) as dsn:
        yield dsn


def test_a_transaction_pooler_is_refused_with_the_address_to_take(pooler: str) -> None:
    with (
        pytest.raises(DatabaseUnavailable) as refused,
        open_live(Secret(pooler), decisions.OLD_PLATFORM, decisions.COPIED_SCHEMAS),
    ):
        pass
    assert "not a transaction pooler's" in refused.value.hint


def test_an_address_with_options_of_its_own_keeps_them(source: databases.FreshDatabase) -> None:
    """Ours are added: without them row security could hide rows, and texts would differ."""
    own = conninfo.make_conninfo(source.superuser_dsn, options="-c work_mem=5MB -c search_path=public")
    with reaching.connected(Secret(own)) as connection:
        row = connection.execute("select current_setting('work_mem'), current_setting('row_security')").fetchone()
        assert row == ("5MB", "off")
        assert connection.info.get_parameters()["keepalives_idle"] == "30", "a line may be cut without a word"


def test_a_direct_address_that_is_out_of_reach_names_the_one_that_is_not() -> None:
    dsn = Secret("postgresql://postgres:x@db.abcdefghijklmnopqrst.supabase.co:5432/postgres?hostaddr=127.0.0.1&port=1")
    with pytest.raises(DatabaseUnavailable) as away, reaching.connected(dsn):
        pass
    assert "session pooler" in away.value.hint
