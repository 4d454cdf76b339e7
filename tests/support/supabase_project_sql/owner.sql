create type public.mood as enum ('sad', 'ok', 'so ''happy''');
create domain public.percent as numeric(5, 2) check (value between 0 and 100);
create type public.place as (street text, zip text);
create schema app;
create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  name text, avatar_url text, mood public.mood not null default 'ok', tags text[] not null default '{}',
  extra jsonb not null default '{}', updated_at timestamptz not null default now());
create table public.projects (
  id bigint generated always as identity primary key, owner_id uuid not null references public.profiles (id),
  title text not null, budget numeric(12, 2), share public.percent, home public.place,
  search tsvector generated always as (to_tsvector('simple', title)) stored,
  lead_task bigint, unique (owner_id, title));
create table public.tasks (
  id bigserial primary key, project_id bigint not null references public.projects (id) on delete cascade,
  parent_id bigint references public.tasks (id), done boolean not null default false, body text, due date,
  effort interval, window_ tstzrange, blob bytea, ratio double precision, moods public.mood[],
  exclude using gist (int8range(id, id, '[]') with &&));
alter table public.projects add constraint projects_lead_task_fkey foreign key (lead_task) references public.tasks (id)
  deferrable initially deferred;
create table public.events (id bigint not null, at timestamptz not null, kind text, primary key (id, at)) partition by range (at);
create table public.events_2026 partition of public.events for values from ('2026-01-01') to ('2027-01-01');
create table public.events_rest partition of public.events default;
create table public.log_without_key (line text, at timestamptz default now());
create table app."Odd ""name"" (1), $x" ("a,b" int, "select" text, "ümläut" text);
create table public.nothing ();
create view public.open_tasks with (security_invoker = true) as select id, body from public.tasks where not done;
create materialized view public.task_counts as select project_id, count(*) as n from public.tasks group by 1;
create unique index on public.task_counts (project_id);
create index tasks_body_idx on public.tasks (lower(body)) where not done;
create index profiles_tags_idx on public.profiles using gin (tags);
create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = '' as $f$
begin
  insert into public.profiles (id, name) values (new.id, new.raw_user_meta_data ->> 'name') on conflict do nothing;
  return new;
end $f$;
create trigger on_auth_user_created after insert on auth.users for each row execute function public.handle_new_user();
create function public.touch() returns trigger language plpgsql as $f$
begin new.updated_at := now(); return new; end $f$;
create trigger touch before update on public.profiles for each row execute function public.touch();
create function public.is_owner(p bigint) returns boolean language sql stable security definer set search_path = '' as $f$
  select exists (select from public.projects where id = p and owner_id = auth.uid()) $f$;
create function public.old_address() returns text language sql as $f$ select 'OLD_URL/functions/v1/hello' $f$;
revoke execute on function public.is_owner(bigint) from public, anon;
create table public.secrets_of_staff (id int primary key, note text);
revoke all on public.secrets_of_staff from anon, authenticated;
grant select (id) on public.secrets_of_staff to authenticated;
alter table public.profiles enable row level security;
alter table public.projects enable row level security;
alter table public.tasks enable row level security;
create policy "own profile" on public.profiles for all to authenticated using ((select auth.uid()) = id);
create policy "own projects" on public.projects for select using (owner_id = (select auth.uid()));
create policy "tasks of own projects" on public.tasks using (public.is_owner(project_id)) with check (public.is_owner(project_id));
alter publication supabase_realtime add table public.tasks;
comment on table public.tasks is 'what is to be done; -- not a comment';
alter default privileges in schema public revoke all on functions from anon;
select cron.schedule('nightly', '0 3 * * *', $j$ select net.http_post('OLD_URL/functions/v1/nightly') $j$);
select cron.schedule('*/5 * * * *', 'delete from public.log_without_key where at < now() - interval ''1 day''');
select pgmq.create('mails');
select pgmq.send('mails', jsonb_build_object('to', g)) from generate_series(1, 5) as g;
create schema if not exists supabase_migrations;
