-- What a Base44 app finds beside its records: its people, and how the rules of an entity ask who is calling.
-- Each entity is a table in schema `entities`, made from its JSON schema as the owner role; nothing there is exposed
-- over REST, and row level security decides every request.

create schema if not exists base44 authorization freehold_platform;
revoke all on schema base44 from public;
grant usage on schema base44 to :"owner", anon, authenticated, service_role, authenticator;
create schema if not exists entities authorization :"owner";
grant usage on schema entities to anon, authenticated, service_role;

-- Sessions have row security, so their owner answers.
set local role supabase_auth_admin;
create function auth.session_goes_on(session text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (
    select from auth.sessions as s where s.id::text = session and (s.not_after is null or s.not_after > now()))
$$;
revoke execute on function auth.session_goes_on(text) from public;
grant execute on function auth.session_goes_on(text) to freehold_platform;
reset role;
grant usage on schema auth to freehold_platform;

set local role freehold_platform;

-- The schemas that the tables were made from. `kinds` says what each field's column holds.
create table base44.entity (
  name text primary key,
  schema jsonb not null,
  kinds jsonb not null,
  inferred boolean not null default false
);
create table base44.migration (
  number bigint generated always as identity primary key,
  entity text not null,
  title text not null,
  statement text not null,
  applied_at timestamptz not null default now()
);
grant select, insert, update, delete on base44.entity to :"owner";
grant select, insert on base44.migration to :"owner";
grant select on base44.entity to authenticator;

-- The app's users as its code sees them. Passwords and identities are in schema auth.
create table base44.person (
  id text collate "C" primary key,
  auth_id uuid unique,
  email text not null,
  full_name text,
  role text not null default 'user',
  disabled boolean,
  is_verified boolean not null default false,
  created_date text collate "C" not null,
  updated_date text collate "C" not null,
  _more jsonb not null default '{}' check (jsonb_typeof(_more) = 'object')
);
create unique index person_email_idx on base44.person (lower(email));
alter table base44.person enable row level security;
grant select on base44.person to anon, authenticated, service_role;
grant update (_more, updated_date) on base44.person to authenticated, service_role;
grant all on base44.person to :"owner";

create table base44.invitation (
  email text primary key check (email = lower(email)),
  role text not null default 'user',
  invited_by text,
  invited_at timestamptz not null default now()
);
grant all on base44.invitation to :"owner";

-- Who is calling, as a rule's {{user...}} sees it; null for nobody. Signing out ends it at once.
create function base44.caller() returns jsonb
language sql stable security definer set search_path = '' as $$
  with claims as (select nullif(current_setting('request.jwt.claims', true), '')::jsonb as value)
  select p._more || jsonb_build_object(
           'id', p.id, 'email', p.email, 'full_name', p.full_name, 'role', p.role, 'disabled', p.disabled,
           'is_verified', p.is_verified, 'is_service', false,
           'created_date', p.created_date, 'updated_date', p.updated_date)
    from claims, base44.person as p
   where claims.value ->> 'role' = 'authenticated'
     and p.auth_id::text = claims.value ->> 'sub'
     and p.disabled is not true
     and (not claims.value ? 'session_id' or auth.session_goes_on(claims.value ->> 'session_id'))
$$;

-- Whether the caller's session goes on, whoever the caller is.
create function base44.has_session() returns boolean
language sql stable security definer set search_path = '' as $$
  select auth.session_goes_on(nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'session_id')
$$;

create function base44.caller_value(path text[]) returns jsonb
language sql stable set search_path = '' as $$
  select nullif(nullif(base44.caller() #> path, 'null'), '""')
$$;

create function base44.caller_text(path text[]) returns text
language sql stable set search_path = '' as $$
  select value #>> '{}' from base44.caller_value(path) as value where jsonb_typeof(value) = 'string'
$$;

-- A write looks for its rows, and gives them back, by its own rule and not by the one for reading.
create function base44.is_writing() returns boolean
language sql stable set search_path = '' as $$
  select current_setting('base44.act', true) in ('create', 'update', 'delete')
$$;

create policy read_self on base44.person for select to anon, authenticated
  using ((select base44.caller() ->> 'id') = id or (select base44.caller() ->> 'role') = 'admin');
create policy update_self on base44.person for update to authenticated
  using ((select base44.caller() ->> 'id') = id or (select base44.caller() ->> 'role') = 'admin')
  with check (true);

-- The filter language, for values whose column does not say what they are. v is null where the field is missing.
create function base44.equals(v jsonb, x jsonb) returns boolean
language sql immutable set search_path = '' as $$
  select case
    when x = 'null' then v is null or v = 'null' or (jsonb_typeof(v) = 'array' and v @> '[null]')
    when v is null then false
    when v = x then true
    when jsonb_typeof(v) = 'array' then exists (select from jsonb_array_elements(v) as e where e = x)
    else false
  end
$$;

create function base44.compares(v jsonb, operator text, x jsonb) returns boolean
language plpgsql immutable set search_path = '' as $$
declare
  kind constant text := jsonb_typeof(x);
  element jsonb;
  way integer;
begin
  if v is null then
    return kind = 'null' and operator in ('gte', 'lte');
  end if;
  if jsonb_typeof(v) = 'array' and kind <> 'array' then
    for element in select jsonb_array_elements(v) loop
      if jsonb_typeof(element) <> 'array' and base44.compares(element, operator, x) then
        return true;
      end if;
    end loop;
    return false;
  end if;
  if jsonb_typeof(v) <> kind then
    return false;
  end if;
  way := case kind
    when 'number' then sign((v #>> '{}')::numeric - (x #>> '{}')::numeric)::integer
    when 'string' then case when (v #>> '{}') = (x #>> '{}') then 0
                            when (v #>> '{}') collate "C" < (x #>> '{}') then -1 else 1 end
    when 'boolean' then (v #>> '{}')::boolean::integer - (x #>> '{}')::boolean::integer
    when 'null' then 0
  end;
  return case operator when 'gt' then way > 0 when 'gte' then way >= 0 when 'lt' then way < 0 else way <= 0 end;
end
$$;

create function base44.matches(v jsonb, pattern text) returns boolean
language sql immutable set search_path = '' as $$
  select case jsonb_typeof(v)
    when 'string' then (v #>> '{}') ~ pattern
    when 'array' then exists (
      select from jsonb_array_elements(v) as e where jsonb_typeof(e) = 'string' and (e #>> '{}') ~ pattern)
    else false
  end
$$;

create function base44.has_size(v jsonb, size integer) returns boolean
language sql immutable set search_path = '' as $$
  select case when jsonb_typeof(v) = 'array' then jsonb_array_length(v) = size else false end
$$;

-- Every value that a dotted path leads to; an array on the way stands for its elements, null for what is missing.
create function base44.reach(v jsonb, path text[]) returns jsonb[]
language plpgsql immutable set search_path = '' as $$
declare
  found jsonb[] := '{}';
  element jsonb;
begin
  if cardinality(path) = 0 then
    return array[v];
  elsif v is null then
    return array[null::jsonb];
  elsif jsonb_typeof(v) = 'object' then
    return base44.reach(v -> path[1], path[2:]);
  elsif jsonb_typeof(v) = 'array' then
    if path[1] ~ '^\d{1,9}$' then
      found := base44.reach(v -> path[1]::integer, path[2:]);
    end if;
    for element in select jsonb_array_elements(v) loop
      if jsonb_typeof(element) = 'object' and (path[1] !~ '^\d{1,9}$' or element ? path[1]) then
        found := found || base44.reach(element, path);
      end if;
    end loop;
    return found;
  end if;
  return array[null::jsonb];
end
$$;

-- Changes on their way to those who watch them. Rows are gone soon, and lost with the server: clients read again then.
create unlogged table base44.change (
  id bigint generated always as identity primary key,
  entity text not null,
  kind text not null,
  record_id text not null,
  record jsonb not null,
  at timestamptz not null default clock_timestamp()
);

create function base44.announce() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  written bigint;
  record jsonb;
begin
  record := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
  insert into base44.change (entity, kind, record_id, record)
    values (tg_table_name, case tg_op when 'INSERT' then 'create' else lower(tg_op) end, record ->> 'id', record)
    returning id into written;
  perform pg_notify('base44_change', written::text);
  return null;
end
$$;
revoke execute on function base44.announce() from public;
grant execute on function base44.announce() to :"owner";

create function base44.changes(wanted bigint[])
  returns table (id bigint, entity text, kind text, record_id text, record jsonb, at timestamptz)
language sql stable security definer set search_path = '' as $$
  select c.id, c.entity, c.kind, c.record_id, c.record, c.at from base44.change as c where c.id = any(wanted) order by c.id
$$;

create function base44.changes_after(last bigint) returns setof bigint
language sql stable security definer set search_path = '' as $$
  select c.id from base44.change as c where last > 0 and c.id > last order by c.id limit 10000
$$;

create function base44.forget_changes() returns void
language sql security definer set search_path = '' as $$
  delete from base44.change where at < clock_timestamp() - interval '5 minutes'
$$;

-- The first time a signed-in person comes: their invitation's role, or the app's door decides. Null when it is closed.
create function base44.join(auth uuid, address text, name text, new_id text, moment text, open boolean) returns text
language plpgsql security definer set search_path = '' as $$
declare
  invited text;
  known text;
begin
  select p.id into known from base44.person as p where p.auth_id = auth;
  if known is not null then
    return known;
  end if;
  update base44.person as p set auth_id = auth, is_verified = true, updated_date = moment
   where lower(p.email) = lower(address) and p.auth_id is null returning p.id into known;
  if known is not null then
    return known;
  end if;
  delete from base44.invitation as i where i.email = lower(address) returning i.role into invited;
  if invited is null and not open then
    return null;
  end if;
  insert into base44.person (id, auth_id, email, full_name, role, is_verified, created_date, updated_date)
    values (new_id, auth, address, name, coalesce(invited, 'user'), true, moment, moment)
    on conflict do nothing returning id into known;
  return known;
end
$$;

create function base44.invite(address text, wanted text, by text) returns void
language sql security definer set search_path = '' as $$
  insert into base44.invitation (email, role, invited_by) values (lower(address), wanted, by)
    on conflict (email) do update set role = excluded.role, invited_by = excluded.invited_by, invited_at = now()
$$;

create function base44.is_invited(address text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from base44.invitation as i where i.email = lower(address))
      or exists (select from base44.person as p where lower(p.email) = lower(address))
$$;

create function base44.is_member(address text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from base44.person as p where lower(p.email) = lower(address) and p.disabled is not true)
$$;

-- Conversations with agents belong to who began them.
create table base44.conversation (
  id text primary key,
  agent_name text not null,
  created_by_id text not null,
  created_date text not null,
  updated_date text not null,
  messages jsonb not null default '[]',
  metadata jsonb not null default '{}'
);
alter table base44.conversation enable row level security;
grant select, insert, update on base44.conversation to authenticated, service_role;
create policy own on base44.conversation to authenticated
  using ((select base44.caller() ->> 'id') = created_by_id) with check ((select base44.caller() ->> 'id') = created_by_id);

create table base44.page_view (
  at timestamptz not null default now(),
  page text not null,
  person text
);
create index page_view_at_idx on base44.page_view (at);
create function base44.see(page text) returns void
language sql security definer set search_path = '' as $$
  insert into base44.page_view (page, person) values (left(page, 200), base44.caller() ->> 'id')
$$;
create function base44.views(most integer) returns table (at timestamptz, page text, person text)
language sql stable security definer set search_path = '' as $$
  select v.at, v.page, v.person from base44.page_view as v
   where (base44.caller() ->> 'role') = 'admin' or current_setting('request.jwt.claims', true)::jsonb ->> 'role' = 'service_role'
   order by v.at desc limit most
$$;

-- How often somebody may do what costs money or reaches strangers: counted by the hour.
create table base44.spending (
  who text not null,
  what text not null,
  hour timestamptz not null,
  times integer not null default 1,
  primary key (who, what, hour)
);
create function base44.spend(spender text, thing text, most integer) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
  used integer;
begin
  delete from base44.spending where hour < now() - interval '1 day';
  insert into base44.spending as s (who, what, hour) values (spender, thing, date_trunc('hour', now()))
    on conflict (who, what, hour) do update set times = s.times + 1 returning times into used;
  return used <= most;
end
$$;

revoke execute on function base44.changes(bigint[]), base44.changes_after(bigint), base44.forget_changes(), base44.is_member(text), base44.is_invited(text),
  base44.join(uuid, text, text, text, text, boolean), base44.invite(text, text, text),
  base44.spend(text, text, integer) from public;
grant execute on function base44.changes(bigint[]), base44.changes_after(bigint), base44.forget_changes(), base44.is_member(text), base44.is_invited(text),
  base44.join(uuid, text, text, text, text, boolean), base44.invite(text, text, text),
  base44.spend(text, text, integer) to authenticator;

reset role;
