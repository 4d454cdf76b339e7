-- The same functions asking who calls, closed by name, or telling what everybody may know.
create table public.members (
  key_id integer primary key, user_id uuid references auth.users (id), first_name text, email text not null, standing text);
alter table public.members enable row level security;
create policy s on public.members for select using (auth.uid() = user_id);
create table public.recipes (id uuid primary key default gen_random_uuid(), title text, rating integer);
alter table public.recipes enable row level security;
create policy s on public.recipes for select using (true);
create table public.invitations (
  id uuid primary key default gen_random_uuid(), email text not null, token uuid not null default gen_random_uuid(),
  org text, expires_at timestamptz not null);
alter table public.invitations enable row level security;
create table public.documents (id uuid primary key default gen_random_uuid(), owner_email text not null, body text);
alter table public.documents enable row level security;

-- asks who calls
create function public.all_members() returns setof public.members
language plpgsql stable security definer set search_path = public as $$
begin
  if auth.uid() is null or not exists (select from members as m where m.user_id = auth.uid() and m.standing = 'Officer')
  then raise exception 'Access denied'; end if;
  return query select * from members;
end $$;
-- needs the token, which only the invited know
create function public.invitation(_token uuid) returns table (org text)
language sql stable security definer set search_path = public as $$
  select i.org from invitations as i where i.token = _token and i.expires_at > now() $$;
-- a policy needs it
create function public.is_officer(_email text) returns boolean
language sql stable security definer set search_path = public as $$
  select exists (select from members where lower(email) = lower(_email) and standing = 'Officer') $$;
create policy officers on public.documents for select using (public.is_officer(auth.jwt() ->> 'email'));
-- confirms what the caller knows already: two things of one member
create function public.is_on_roster(_email text, _first_name text) returns boolean
language sql stable security definer set search_path = public as $$
  select exists (select from members where email = _email and first_name = _first_name) $$;
-- figures for everybody, and figures about an open table
create function public.public_figures() returns bigint language sql stable security definer set search_path = public as
  $$ select count(*) from members $$;
create function public.recipe_figures() returns bigint language sql stable security definer set search_path = public as
  $$ select sum(rating) from recipes $$;
-- closed by name
select pgmq.create('outgoing');
create function public.enqueue_mail(queue_name text, payload jsonb) returns bigint
language plpgsql security definer as $$ begin return pgmq.send(queue_name, payload); end $$;
revoke execute on function public.enqueue_mail(text, jsonb) from public, anon, authenticated;
-- a form whose trigger only writes down what came, and one that waits for somebody to look
create table public.applications (
  id uuid primary key default gen_random_uuid(), first_name text not null, email text not null);
alter table public.applications enable row level security;
create policy form on public.applications for insert with check (true);
create table public.member_requests_log (id uuid primary key default gen_random_uuid(), email text, at timestamptz);
alter table public.member_requests_log enable row level security;
create function public.note() returns trigger language plpgsql security definer set search_path = public as $$
begin insert into member_requests_log (email, at) values (new.email, now()); return new; end $$;
create trigger note after insert on public.applications for each row execute function public.note();
