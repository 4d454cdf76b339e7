-- Which of the app's migrations ran here. Only the administrator writes it: the app's owner role, which runs the
-- migrations, has no right on schema freehold and reaches it through the functions of freehold_gate.

create table freehold.migration_files (
  version text not null,
  path text not null,
  sha256 text not null,
  position bigserial not null,
  status text not null check (status in ('running', 'applied', 'failed', 'baseline')),
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  duration_ms bigint,
  constraint migration_files_pkey primary key (path)
);

create table freehold.migration_statements (
  path text not null references freehold.migration_files (path) on delete cascade,
  number integer not null,
  line integer not null,
  kind text not null,
  sha256 text not null,
  outcome text not null check (outcome in ('applied', 'replaced', 'failed')),
  note text not null default '',
  role text not null,
  sqlstate text,
  message text,
  duration_ms bigint,
  recorded_at timestamptz not null default now(),
  constraint migration_statements_pkey primary key (path, number)
);

-- Prepared by the administrator, used once by the owner role in the transaction of the migration itself.
create table freehold.approved (
  token uuid not null constraint approved_pkey primary key,
  kind text not null check (kind in ('supabase_auth_admin', 'supabase_storage_admin', 'supabase_realtime_admin', 'ledger')),
  statement text not null default '',
  entries jsonb not null default '[]',
  path text not null default '',
  closes boolean not null default false
);
grant usage on schema freehold to supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin;
grant select on freehold.approved to supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin;

create schema if not exists freehold_gate;
grant usage on schema freehold_gate to :"owner";
grant usage, create on schema freehold_gate to supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin;

-- These keep the caller's search_path, because the names in a policy are looked up by it. Hence every name and operator
-- of their own is written in full.
create function freehold_gate.as_auth_admin(token uuid) returns void
language plpgsql security definer set standard_conforming_strings = on as $$
declare
  prepared pg_catalog.text;
begin
  select a.statement into strict prepared from freehold.approved as a
   where a.token operator(pg_catalog.=) $1
     and a.kind operator(pg_catalog.=) 'supabase_auth_admin'::pg_catalog.text;
  execute prepared;
end
$$;

create function freehold_gate.as_storage_admin(token uuid) returns void
language plpgsql security definer set standard_conforming_strings = on as $$
declare
  prepared pg_catalog.text;
begin
  select a.statement into strict prepared from freehold.approved as a
   where a.token operator(pg_catalog.=) $1
     and a.kind operator(pg_catalog.=) 'supabase_storage_admin'::pg_catalog.text;
  execute prepared;
end
$$;

create function freehold_gate.as_realtime_admin(token uuid) returns void
language plpgsql security definer set standard_conforming_strings = on as $$
declare
  prepared pg_catalog.text;
begin
  select a.statement into strict prepared from freehold.approved as a
   where a.token operator(pg_catalog.=) $1
     and a.kind operator(pg_catalog.=) 'supabase_realtime_admin'::pg_catalog.text;
  execute prepared;
end
$$;

-- Apps expect some extensions where their own CREATE EXTENSION puts them. What was made ahead goes there the first time
-- that the app asks, or whenever it moves it, and only into the app's own schemas or `extensions`.
create table freehold.extensions_made_ahead (
  name text primary key
);

create function freehold_gate.place_extension(name text, schema text, moved boolean default false) returns void
language plpgsql security definer set search_path = '' as $$
begin
  if not exists (
    select from pg_catalog.pg_namespace as n
     where n.nspname = schema and (n.nspname = 'extensions' or n.nspowner = :'owner'::regrole)
  ) then
    raise exception 'schema "%" does not exist or is not the app''s own', schema using errcode = '3F000';
  end if;
  delete from freehold.extensions_made_ahead as e where e.name = place_extension.name;
  if found or (moved and name in ('vector', 'pg_trgm', 'citext', 'unaccent')) then
    execute format('alter extension %I set schema %I', name, schema);
  end if;
end
$$;

-- Writes what was prepared into the ledger: the record and the change are one transaction.
create function freehold_gate.completed(token uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
  prepared freehold.approved;
begin
  delete from freehold.approved as a where a.token = $1 and a.kind = 'ledger' returning * into strict prepared;
  insert into freehold.migration_statements (path, number, line, kind, sha256, outcome, note, role)
  select prepared.path, e.number, e.line, e.kind, e.sha256, e.outcome, e.note, e.role
    from jsonb_to_recordset(prepared.entries)
      as e (number integer, line integer, kind text, sha256 text, outcome text, note text, role text)
  on conflict (path, number) do update
    set outcome = excluded.outcome, note = excluded.note, sqlstate = null, message = null, recorded_at = now();
  if prepared.closes then
    update freehold.migration_files as f
       set status = 'applied', finished_at = now(),
           duration_ms = extract(epoch from clock_timestamp() - f.started_at) * 1000
     where f.path = prepared.path;
  end if;
end
$$;

alter function freehold_gate.as_auth_admin(uuid) owner to supabase_auth_admin;
alter function freehold_gate.as_storage_admin(uuid) owner to supabase_storage_admin;
alter function freehold_gate.as_realtime_admin(uuid) owner to supabase_realtime_admin;
revoke create on schema freehold_gate from supabase_auth_admin, supabase_storage_admin, supabase_realtime_admin;
revoke execute on all functions in schema freehold_gate from public;
grant execute on all functions in schema freehold_gate to :"owner";
