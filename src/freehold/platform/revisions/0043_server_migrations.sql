-- Which of the migrations that the app's own server brings are known here, and what each takes away from older
-- releases, in the same order as the app's SQL files. The server runs them itself, in schema server.

create table freehold.server_migrations (
  name text not null constraint server_migrations_pkey primary key,
  sha256 text not null,
  closings jsonb not null default '[]',
  accepted_by text not null default '',
  position bigint not null default nextval('freehold.migration_files_position_seq'),
  judged_at timestamptz not null default now()
);
comment on column freehold.server_migrations.name is 'the package and the file without its ending, such as shop.0002_price';
comment on column freehold.server_migrations.closings is 'objects of {"object", "reason", "line"}; [] keeps the window open';
