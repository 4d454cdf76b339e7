-- What a move brought here: one line for every object of the source, and how far the rows of each table are.

create table freehold.moves (
  singleton boolean not null default true constraint moves_pkey primary key check (singleton),
  identity text not null,
  source text not null,
  status text not null default 'copying' check (status in ('copying', 'copied', 'equal', 'different')),
  settings jsonb not null default '{}',
  report jsonb,
  started_at timestamptz not null default now(),
  finished_at timestamptz
);

create table freehold.move_items (
  position integer not null constraint move_items_pkey primary key,
  kind text not null,
  schema text not null,
  name text not null,
  digest text not null,
  way text not null,
  outcome text check (outcome in ('moved', 'replaced', 'left', 'failed')),
  note text not null default '',
  token uuid not null default gen_random_uuid(),
  settled_at timestamptz
);

create table freehold.move_parts (
  position integer not null,
  number integer not null,
  low bigint,
  high bigint,
  loaded bigint,
  token uuid not null default gen_random_uuid(),
  constraint move_parts_pkey primary key (position, number)
);

create table freehold.move_files (
  bucket text not null,
  name text not null,
  version text not null,
  outcome text not null check (outcome in ('moved', 'missing', 'different')),
  size bigint,
  sha256 text,
  constraint move_files_pkey primary key (bucket, name, version)
);

-- The owner role makes the objects and loads the rows; it says so in the same transaction, and cannot say anything else.
create function freehold_gate.moved(token uuid) returns void
language sql security definer set search_path = '' as $$
  update freehold.move_items as i set outcome = 'moved', settled_at = now() where i.token = $1
$$;

create function freehold_gate.loaded(token uuid, rows bigint) returns void
language sql security definer set search_path = '' as $$
  update freehold.move_parts as p set loaded = $2 where p.token = $1
$$;
revoke execute on function freehold_gate.moved(uuid), freehold_gate.loaded(uuid, bigint) from public;
grant execute on function freehold_gate.moved(uuid), freehold_gate.loaded(uuid, bigint) to :"owner";
