"""Migrations of the app's own server close the window for older releases as the app's SQL files do."""

import pytest

from freehold.core.errors import NotAccepted
from freehold.core.secret import Secret
from freehold.data import migrations, server_migrations
from freehold.data.migrations import Consent
from freehold.data.server_migrations import File
from freehold.testing.database import fresh_database

HEAD = "class Migration(migrations.Migration):\n"
FIRST = File(
    name="shop.0001_initial",
    text=f"{HEAD}    operations = [migrations.CreateModel(name='Pot', fields=[])]\n",
    is_apps=True,
)
SECOND = File(
    name="shop.0002_drop",
    text=f"{HEAD}    operations = [migrations.RemoveField(model_name='pot', name='colour')]\n",
    is_apps=True,
)


def test_one_that_takes_something_away_wants_to_be_named_and_ends_the_way_back() -> None:
    with fresh_database() as database:
        admin = Secret(database.superuser_dsn)
        assert server_migrations.admit([FIRST], admin, None) == ("shop.0001_initial",)
        before = migrations.position(admin)
        assert migrations.closed_since(admin, before).closed == ()
        assert [len(item) for item in server_migrations.ahead([FIRST, SECOND], admin).values()] == [1]
        with pytest.raises(NotAccepted) as refused:
            server_migrations.admit([FIRST, SECOND], admin, Consent(frozenset(), "me"))
        assert "--accept shop.0002_drop" in refused.value.hint
        assert migrations.closed_since(admin, before).closed == ()
        accepted = Consent(frozenset({"shop.0002_drop"}), "me")
        assert server_migrations.admit([FIRST, SECOND], admin, accepted) == ("shop.0002_drop",)
        ((where, closing),) = migrations.closed_since(admin, before).closed
        assert (where, closing.object, closing.line) == ("shop.0002_drop", "shop.pot.colour", 2)
        assert migrations.closed_since(admin, migrations.position(admin)).closed == ()
        assert server_migrations.admit([FIRST, SECOND], admin, Consent(frozenset(), "me")) == ()
