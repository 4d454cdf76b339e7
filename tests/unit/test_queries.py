"""What an app's own queries tell of tables that nothing else describes."""

import dataclasses
from pathlib import Path

from freehold.builders.shared import queries
from freehold.builders.shared.checkout import Checkout
from freehold.data.schema import queried
from freehold.data.schema.types_ts import Table

CODE = """
const { data } = await supabase
  .from("posts")
  .select(`id, title, who:profiles!posts_seller_id_fkey(full_name), likes(count), comments(body, profiles(full_name))`)
  .eq("is_open", true) // .eq("not_this", 1)
  .order('created_at', { ascending: false });
await supabase.from('posts').insert({ title, price: Number(x), user_id: user.id, tags: ["a, b"], ...rest }).select();
await supabase.from('orders').update({ "paid": true, note: call({ inner: 1 }) }).eq(`id`, id);
await supabase.storage.from('pictures').upload(path, file);
Array.from('letters');
supabase.from("orders").select("id, profiles!orders_buyer_id_fkey(id), who:profiles!orders_seller_id_fkey(id)");
const broken = supabase.from("cut").select("a, b
"""


def _scan(tmp_path: Path) -> dict[str, queries.Queried]:
    (tmp_path / "app.ts").write_text(CODE)
    return dict(queries.scan(Checkout(tmp_path), ("app.ts",)))


def _tables(tmp_path: Path, there: dict[str, tuple[str, ...]]) -> dict[str, Table]:
    asked = {name: (item.columns, item.related) for name, item in _scan(tmp_path).items()}
    return queried.types(asked, there).schemas["public"].tables


def test_columns_and_relations_are_read_from_chains(tmp_path: Path) -> None:
    found = _scan(tmp_path)
    assert {*found} == {"posts", "profiles", "likes", "comments", "orders", "cut"}
    assert {*found["posts"].columns} == {"id", "title", "is_open", "created_at", "price", "user_id", "tags"}
    assert found["posts"].related == {("profiles", "posts_seller_id_fkey"), ("likes", ""), ("comments", "")}
    assert found["orders"].columns == {"paid": "boolean", "note": "", "id": ""}
    assert found["comments"].related == {("profiles", "")}


def test_tables_get_an_id_types_by_what_is_known_and_the_keys_that_embeds_need(tmp_path: Path) -> None:
    tables = _tables(tmp_path, {})
    types = {column.name: column.type for column in tables["posts"].columns}
    assert types["price"] == "number"
    assert types["is_open"] == "boolean"
    assert types["tags"] == "Json"
    assert {"id", "seller_id", "created_at"} <= {*types}
    keys = {(name, item.columns, item.referenced) for name, table in tables.items() for item in table.relationships}
    assert keys >= {
        ("posts", ("seller_id",), "profiles"),
        ("orders", ("buyer_id",), "profiles"),
        ("orders", ("seller_id",), "profiles"),
        ("likes", ("post_id",), "posts"),
        ("comments", ("post_id",), "posts"),
    }


def test_a_table_that_is_there_gets_no_columns_but_those_that_are_asked_for(tmp_path: Path) -> None:
    orders = _tables(tmp_path, {"orders": ("number", "paid")})["orders"]
    assert [dataclasses.astuple(column)[:2] for column in orders.columns] == [
        ("paid", "boolean"),
        ("note", "string"),
        ("id", "string"),
        ("buyer_id", "uuid"),
        ("seller_id", "uuid"),
    ]
