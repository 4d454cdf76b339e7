"""The sample app as its users left it in the builder's cloud, as the export that the builder hands out."""

import zipfile
from pathlib import Path

import dumps
import psycopg
from supabase_project import BCRYPT

from freehold.core.app import App
from freehold.core.secret import Secret
from freehold.data import migrations
from freehold.flows.read import read_app
from freehold.testing import database as databases

OLD_URL = "https://qzvtxkmwplrnhbsdcfjg.supabase.co"
ANN = "11111111-1111-4111-8111-111111111111"
REFRESH_TOKEN = "abcdefghij23"
PICTURE = f"{ANN}/picture.png"
PICTURE_URL = f"{OLD_URL}/storage/v1/object/public/avatars/{PICTURE}"
"""As the rows of the old project name it."""
FILL = f"""
insert into auth.users (id, instance_id, aud, role, email, encrypted_password, email_confirmed_at, created_at,
  updated_at, raw_app_meta_data, raw_user_meta_data)
values ('{ANN}', '00000000-0000-0000-0000-000000000000', 'authenticated', 'authenticated', 'ann@example.org',
  '{BCRYPT}', now(), now(), now(), '{{"provider": "email", "providers": ["email"]}}', '{{"display_name": "Ann"}}');
insert into auth.identities (id, user_id, provider_id, provider, identity_data, created_at, updated_at)
select gen_random_uuid(), id, id::text, 'email', jsonb_build_object('sub', id, 'email', email), now(), now()
  from auth.users;
insert into auth.sessions (id, user_id, created_at, updated_at, aal) values ('{ANN}', '{ANN}', now(), now(), 'aal1');
insert into auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, session_id)
values ('00000000-0000-0000-0000-000000000000', '{REFRESH_TOKEN}', '{ANN}', false, now(), now(), '{ANN}');
update public.profiles set avatar_url = '{PICTURE_URL}';
insert into public.lists (owner_id, name) values ('{ANN}', 'Brought along');
insert into public.tasks (list_id, created_by, title) select id, '{ANN}', 'A task from before' from public.lists;
insert into storage.objects (bucket_id, name, owner, owner_id, version, metadata)
values ('avatars', '{PICTURE}', '{ANN}', '{ANN}', 'v1', '{{"size": 8, "mimetype": "image/png"}}');
create table public.older (id int primary key, body text);
alter table public.older owner to postgres;
alter table public.older enable row level security;
insert into public.older select n, E'a\\tb\\n\\\\' || repeat(md5(n::text), 12) from generate_series(1, 4000) as n;
"""
"""The last table is large enough to be hashed where it is, see data/move/digests.py."""


def export(server: databases.Server, app: Path, folder: Path) -> Path:
    """Write database_export.zip and files/ into a folder."""
    inventory = read_app(App(root=app, origin=str(app), name="tasklight"))
    with databases.fresh_database(server) as database:
        dsns = {"owner_dsn": Secret(database.owner_dsn), "admin_dsn": Secret(database.superuser_dsn)}
        migrations.migrate(inventory.migrations, **dsns, report=lambda _event: None)
        with psycopg.connect(database.superuser_dsn, autocommit=True) as admin:
            admin.execute(FILL.encode())
            for file in inventory.migrations:
                admin.execute(
                    "insert into supabase_migrations.schema_migrations (version) values (%s)", (file.version,)
                )
            for schema in ("base44", "entities", "freehold_gate", "freehold_worker", "freehold"):
                admin.execute(f"drop schema if exists {schema} cascade".encode())
        dump = dumps.custom(database.superuser_dsn, folder / "database.dump", "zstd")
    picture = folder / "files/avatars" / PICTURE
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"a pic...")
    with zipfile.ZipFile(folder / "database_export.zip", "w") as archive:
        archive.write(dump, "database.dump")
    return folder / "database_export.zip"
