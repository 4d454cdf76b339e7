"""What rows in a history tell of columns."""

from freehold.core.inventory import MigrationFile
from freehold.data.schema import inserted

ROWS = """
insert into public.roles (id, name, made_at, place) values
  ('1b4e28ba-2fa1-11d2-883f-0016d3cca427', 'a', '2026-01-01', 1), ('admin', null, now(), 2) on conflict do nothing;
insert into storage.buckets (id) values ('pots');
insert into roles (id) select 'x';
insert into levels values ('low');
insert into people (id, role_id) values (gen_random_uuid(), 'admin');
select 1 from nothing where (;
"""


def test_columns_that_rows_fill_with_words_are_found() -> None:
    found = inserted.words((MigrationFile(path="a.sql", version="1", sql=ROWS),))
    assert found == {("roles", "id"), ("roles", "name"), ("roles", "made_at"), ("people", "role_id")}
