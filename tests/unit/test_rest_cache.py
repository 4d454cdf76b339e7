"""Relationships, views and hints, from plain values."""

from freehold.runtime.rest import fuzzy, jwtpath
from freehold.runtime.rest.cache import relationships, views, viewtree
from freehold.runtime.rest.cache.model import (
    MANY_TO_MANY,
    MANY_TO_ONE,
    ONE_TO_MANY,
    ONE_TO_ONE,
    Name,
    Relationship,
    Table,
)

TREE = (
    "({QUERY :commandType 1 :rtable ({RANGETBLENTRY :subquery {QUERY :targetList ({TARGETENTRY :expr {VAR :varno 1} "
    ":resno 9 :resname wrong :resorigtbl 1 :resorigcol 1}) :rtable <>}}) "
    ":targetList ({TARGETENTRY :expr {VAR :varno 3} "
    ":resno 1 :resname id\\} :ressortgroupref 0 :resorigtbl 16400 :resorigcol 2 :resjunk false} {TARGETENTRY :expr "
    "{FUNCEXPR :args ({CONST})} :resno 2 :resname \\(x :resorigtbl 0 :resorigcol 0}) :override 0})"
)


def name(text: str) -> Name:
    return Name("public", text)


def table(text: str, *key: str) -> Table:
    return Table(
        schema="public", name=text, description=None, is_view=False, insertable=True, updatable=True, deletable=True,
        primary_key=key, columns={},
    )  # fmt: skip


def points(origin: str, column: str, target: str, kind: str = MANY_TO_ONE) -> Relationship:
    return Relationship(
        table=name(origin), foreign=name(target), is_self=origin == target, kind=kind,
        constraint=f"{origin}_{column}_fkey", columns=((column, "id"),),
    )  # fmt: skip


def kinds(found: relationships.Map, origin: str, target: str) -> list[str]:
    listed = found.get((name(origin), "public"), ())
    return [item.kind for item in listed if isinstance(item, Relationship) and item.foreign == name(target)]


def test_only_the_outermost_target_list_says_where_columns_come_from() -> None:
    assert viewtree.origins(TREE) == [(1, 16400, 2)]


def test_every_foreign_key_has_its_inverse() -> None:
    keys = [points("tasks", "project_id", "projects"), points("passports", "person_id", "people", ONE_TO_ONE)]
    found = relationships.derive({}, keys, [], [])
    assert kinds(found, "tasks", "projects") == [MANY_TO_ONE]
    assert kinds(found, "projects", "tasks") == [ONE_TO_MANY]
    assert kinds(found, "people", "passports") == [ONE_TO_ONE]


def test_two_foreign_keys_inside_a_primary_key_connect_their_targets() -> None:
    keys = [points("task_tags", "task_id", "tasks"), points("task_tags", "tag_id", "tags")]
    joined = {name("task_tags"): table("task_tags", "tag_id", "task_id")}
    loose = {name("task_tags"): table("task_tags", "id")}
    assert kinds(relationships.derive(joined, keys, [], []), "tasks", "tags") == [MANY_TO_MANY]
    assert kinds(relationships.derive(loose, keys, [], []), "tasks", "tags") == []


def test_a_view_of_a_view_carries_the_keys_of_the_table() -> None:
    inner = views.View(oid=2, name=name("inner"), exposed=False, columns={1: "a"}, origins={1: (1, 5)})
    outer = views.View(
        oid=3, name=name("outer"), exposed=True, columns={1: "x", 2: "y"}, origins={1: (2, 1), 2: (2, 1)}
    )
    key = views.Key(constraint="tasks_pkey", kind=views.PRIMARY, table=1, columns=(5,))
    relations = {1: {"schema": "public", "name": "tasks", "columns": {"5": "id"}}}
    (found,) = views.dependencies([inner, outer], [key], relations)
    assert (found.view, found.table, found.columns) == (name("outer"), name("tasks"), (("id", ("x", "y")),))


def test_a_view_that_shows_half_a_key_has_none() -> None:
    view = views.View(oid=2, name=name("half"), exposed=True, columns={1: "a"}, origins={1: (1, 1)})
    key = views.Key(constraint="pkey", kind=views.PRIMARY, table=1, columns=(1, 2))
    assert views.dependencies([view], [key], {1: {"schema": "public", "name": "t", "columns": {"1": "a"}}}) == []


def test_what_is_not_exposed_is_not_embedded() -> None:
    hidden = Relationship(
        table=name("tasks"), foreign=Name("private", "logs"), is_self=False, kind=MANY_TO_ONE, constraint="c"
    )
    found = relationships.derive({}, [hidden], [], [])
    assert all(not items for items in relationships.only_exposed(found, ["public"]).values())


def test_a_mistyped_name_finds_its_neighbour() -> None:
    names = ["projects", "customers", "tasks"]
    assert fuzzy.best(names, "project", 0.75) == "projects"
    assert fuzzy.best(names, "projecxx", 0.75) == "projects"
    assert fuzzy.best(names, "unrelated", 0.75) is None
    assert fuzzy.best([], "x") is None
    assert fuzzy.best(names, "p" * 60_000) is None


def test_the_role_may_stand_deep_in_the_claims() -> None:
    claims = {"https://x/y": {"roles": ["viewer", "app_editor"]}, "role": "anon"}
    for path, expected in (
        (".role", "anon"),
        ('."https://x/y".roles[1]', "app_editor"),
        ('."https://x/y".roles[?(@ ^== "app_")]', "app_editor"),
        (".missing[0]", None),
    ):
        assert jwtpath.walk(claims, jwtpath.parse(path)) == expected
