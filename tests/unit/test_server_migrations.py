"""What a migration of Django's takes away from older releases, as its text tells."""

from pathlib import Path

import pytest

from freehold.data.server_migrations import File, found
from freehold.data.server_migrations.judge import judge
from freehold.kit.files import list_files
from freehold.releases import python_server

HEAD = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
KNOWN = frozenset({"shop.0001_initial"})


def _file(operations: str, name: str = "shop.0002_more", *, is_apps: bool = True) -> File:
    return File(name=name, text=f"{HEAD}    operations = {operations}\n", is_apps=is_apps)


def _reasons(operations: str, known: frozenset[str] = KNOWN) -> list[tuple[str, str]]:
    file = _file(operations)
    return [(item.object, item.reason) for item in judge([file], known)[file.name]]


@pytest.mark.parametrize(
    "operation",
    [
        "migrations.CreateModel(name='Pot', fields=[('id', models.BigAutoField(primary_key=True))])",
        "migrations.AddIndex(model_name='order', index=models.Index(fields=['at'], name='at'))",
        "migrations.AlterModelOptions(name='order', options={'ordering': ['at']})",
        "migrations.AddField(model_name='order', name='note', field=models.TextField(null=True))",
        "migrations.AddField('order', 'note', models.TextField(db_default=''))",
        "migrations.AddField(model_name='order', name='pots', field=models.ManyToManyField(to='shop.pot'))",
        "migrations.RunPython(migrations.RunPython.noop, backwards)",
    ],
)
def test_an_addition_keeps_the_window_open(operation: str) -> None:
    assert _reasons(f"[{operation}]") == []


@pytest.mark.parametrize(
    ("operation", "what", "why"),
    [
        ("AddField(model_name='Order', name='n', field=models.TextField(default=''))", "shop.order.n", "given a value"),
        ("AddField(model_name='order', name='n', field=field)", "shop.order.n", "given a value"),
        ("AlterField(model_name='order', name='n', field=models.TextField())", "shop.order.n", "changed"),
        ("RemoveField(model_name='order', name='n')", "shop.order.n", "dropped"),
        ("RenameField(model_name='order', old_name='n', new_name='m')", "shop.order", "renamed"),
        ("DeleteModel(name='Order')", "shop.order", "dropped"),
        ("RenameModel(old_name='Order', new_name='Sale')", "shop.order", "renamed"),
        ("AddConstraint(model_name='order', constraint=c)", "shop.order", "refuses rows"),
        ("RunPython(forwards)", "shop.0002_more", "not known"),
        ("RunSQL('drop table x')", "shop.0002_more", "not judged"),
        ("SeparateDatabaseAndState()", "shop.0002_more", "SeparateDatabaseAndState"),
    ],
)
def test_what_takes_something_away_closes_it_and_is_named(operation: str, what: str, why: str) -> None:
    ((told, reason),) = _reasons(f"[migrations.{operation}]")
    assert told == what
    assert why in reason


@pytest.mark.parametrize("operations", ["[*more]", "made()", "[made(x) for x in y]", "[a] + [b]"])
def test_operations_that_are_put_together_while_they_run_close_it(operations: str) -> None:
    assert len(_reasons(operations)) == 1


def test_a_file_that_cannot_be_read_closes_it() -> None:
    file = File(name="shop.0002_more", text="class Migration(:\n", is_apps=True)
    assert judge([file], KNOWN)["shop.0002_more"][0].reason == "cannot be read"


def test_what_the_same_deploy_makes_is_no_concern_of_older_releases() -> None:
    first = _file("[migrations.CreateModel(name='Pot', fields=[])]")
    second = _file("[migrations.RemoveField(model_name='pot', name='n')]", "shop.0003_again")
    assert judge([first, second], KNOWN) == {"shop.0002_more": (), "shop.0003_again": ()}


def test_the_first_migrations_of_a_package_take_nothing_away_but_the_apps_own_code_may() -> None:
    alter = "[migrations.AlterField(model_name='user', name='n', field=models.TextField()), migrations.RunPython(f)]"
    brought = _file(alter, "auth.0002_alter", is_apps=False)
    assert judge([brought], KNOWN) == {"auth.0002_alter": ()}
    own = judge([_file(alter, "seeds.0001_initial")], KNOWN)["seeds.0001_initial"]
    assert [item.reason for item in own] == ["runs code whose effect is not known"]
    later = judge([brought], KNOWN | {"auth.0001_initial"})["auth.0002_alter"]
    assert len(later) == 2


def test_one_that_stands_for_others_that_ran_does_nothing() -> None:
    squashed = File(
        name="shop.0001_squashed",
        text=f"{HEAD}    replaces = [('shop', '0001_initial')]\n    operations = [migrations.RunPython(f)]\n",
        is_apps=True,
    )
    assert judge([squashed], KNOWN) == {"shop.0001_squashed": ()}


def test_migrations_are_found_in_the_apps_code_and_in_packages(tmp_path: Path) -> None:
    names = {
        "app/shop/migrations/0001_initial.py": True,
        "app/shop/migrations/__init__.py": False,
        "app/shop/migrations/__pycache__/0001_initial.py": False,
        "app/migrations/0001_nobodys.py": False,
        "packages/django/contrib/auth/migrations/0001_initial.py": True,
        "packages/django/db/migrations/loader.txt": False,
    }
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    parts = ((tmp_path / "app", True), (tmp_path / "packages", False))
    files = found((part, list_files(part), is_apps) for part, is_apps in parts)
    assert [(file.name, file.is_apps) for file in files] == [("auth.0001_initial", False), ("shop.0001_initial", True)]


def test_a_virtual_environments_migrations_are_not_the_apps(tmp_path: Path) -> None:
    """Whatever it is called: a plan looks at the same files that a release would hold."""
    for name in ("shop/migrations/0001_initial.py", "env/pyvenv.cfg", "env/lib/auth/migrations/0001_initial.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    assert [file.name for file in found([(tmp_path, python_server.code(tmp_path), True)])] == ["shop.0001_initial"]
