-- Holes as app builders' migrations have them, each in a table of its own.
create type public.app_role as enum ('admin', 'user');
create table public.user_roles (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references auth.users (id) on delete cascade,
  role public.app_role not null default 'user',
  unique (user_id, role)
);
alter table public.user_roles enable row level security;
create policy "own roles" on public.user_roles for select using (auth.uid() = user_id);
create policy "take a role" on public.user_roles for insert to authenticated with check (auth.uid() = user_id);

-- 1: anybody signed in changes
create table public.any_update (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text not null);
alter table public.any_update enable row level security;
create policy s on public.any_update for select using (auth.uid() = user_id);
create policy u on public.any_update for update to authenticated using (true);

-- 2: auth.role() = 'authenticated' deletes
create table public.role_delete (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text);
alter table public.role_delete enable row level security;
create policy s on public.role_delete for select using (auth.uid() = user_id);
create policy d on public.role_delete for delete using (auth.role() = 'authenticated');

-- 3: id = id
create table public.same_column (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text);
alter table public.same_column enable row level security;
create policy s on public.same_column for select using (id = id);

-- 4: true or ...
create table public.true_or (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text);
alter table public.true_or enable row level security;
create policy s on public.true_or for select using (true or auth.uid() = user_id);

-- 5: not false
create table public.not_false (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text);
alter table public.not_false enable row level security;
create policy u on public.not_false for all using (not false);

-- 6: the owner compared with itself
create table public.self_comparison (id uuid primary key default gen_random_uuid(), owner_id uuid not null, body text);
alter table public.self_comparison enable row level security;
create policy s on public.self_comparison for all using (owner_id = self_comparison.owner_id);

-- 7: true on a table with secrets
create table public.secrets_open (
  id uuid primary key default gen_random_uuid(), user_id uuid not null, email text, api_key text not null);
alter table public.secrets_open enable row level security;
create policy s on public.secrets_open for select using (true);

-- 8: promotes themselves
create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  display_name text, is_admin boolean not null default false, credits integer not null default 10);
alter table public.profiles enable row level security;
create policy s on public.profiles for select using (auth.uid() = id);
create policy u on public.profiles for update using (auth.uid() = id);
create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  insert into public.profiles (id, display_name) values (new.id, new.raw_user_meta_data ->> 'full_name');
  insert into public.user_roles (user_id, role)
  values (new.id, coalesce(new.raw_user_meta_data ->> 'role', 'user')::public.app_role);
  return new;
end
$$;
create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();

-- 9: adds in the name of another
create table public.insert_as_other (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text);
alter table public.insert_as_other enable row level security;
create policy s on public.insert_as_other for select using (auth.uid() = user_id);
create policy i on public.insert_as_other for insert to authenticated with check (true);

-- 10: a partitioned table without row security over a partition with it
create table public.events (
  id uuid not null default gen_random_uuid(), user_id uuid not null, at timestamptz not null, body text,
  primary key (id, at)) partition by range (at);
create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01');
alter table public.events_2026 enable row level security;
create policy s on public.events_2026 for select using (auth.uid() = user_id);

-- 11: a function that is always true
create function public.may_see(owner uuid) returns boolean language sql stable as $$ select owner is not null $$;
create table public.always_true (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text);
alter table public.always_true enable row level security;
create policy s on public.always_true for select using (public.may_see(user_id));

-- 12: metadata that the user writes
create function public.is_admin() returns boolean language sql stable as $$
  select coalesce(auth.jwt() -> 'user_metadata' ->> 'role', '') = 'admin' $$;
create table public.metadata_role (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text);
alter table public.metadata_role enable row level security;
create policy s on public.metadata_role for select using (auth.uid() = user_id or public.is_admin());

-- 13: a materialized view over a protected table
create table public.private_notes (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text);
alter table public.private_notes enable row level security;
create policy s on public.private_notes for select using (auth.uid() = user_id);
create materialized view public.note_cache as select id, user_id, body from public.private_notes;

-- 14: files open to everybody
insert into storage.buckets (id, name, public) values ('documents', 'documents', false);
create policy "everything" on storage.objects for all to anon using (bucket_id = 'documents');

-- further: views, functions, rows given away, no row security at all
create view public.all_notes as select * from public.private_notes;
create table public.unprotected (id bigint generated always as identity primary key, user_id uuid not null, body text);
create table public.giving (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text);
alter table public.giving enable row level security;
create policy s on public.giving for select using (true);
create policy u on public.giving for update using (auth.uid() = user_id) with check (true);
create table public.contacts (id uuid primary key default gen_random_uuid(), user_id uuid not null, email text);
alter table public.contacts enable row level security;
create policy s on public.contacts for select to authenticated using (true);
create function public.find_contact(p_user_id uuid) returns setof public.contacts
language sql security definer set search_path = '' as $$ select * from public.contacts where user_id = p_user_id $$;
create function public.exec_sql(query text) returns void language plpgsql security definer as $$
begin execute query; end $$;
create function public.search_notes(term text) returns setof public.private_notes language plpgsql security definer as $$
begin return query execute 'select * from public.private_notes where body like ''%' || term || '%'''; end $$;
create function public.wipe_notes(p_user_id uuid) returns void language plpgsql security definer as $$
begin delete from public.private_notes where user_id = p_user_id; end $$;
