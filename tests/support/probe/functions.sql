-- Functions with their owner's rights that give, tell or do too much, and a form whose trigger gives a right.
create table public.members (
  key_id integer primary key, first_name text, email text not null, standing text, joined_at timestamptz);
alter table public.members enable row level security;
create policy s on public.members for select using (false);
insert into public.members values (1, 'Someone', 'someone@kept.example', 'Active', now());
create table public.visits (
  id uuid primary key default gen_random_uuid(), key_id integer not null, at timestamptz not null default now());
alter table public.visits enable row level security;
create table public.invitations (
  id uuid primary key default gen_random_uuid(), email text not null, token uuid not null default gen_random_uuid(),
  status text not null default 'pending' check (status in ('pending', 'accepted')), expires_at timestamptz not null);
alter table public.invitations enable row level security;

create function public.visits_by_member() returns table (first_name text, email text, visits bigint)
language sql stable security definer set search_path = public as $$
  select m.first_name, m.email, count(v.*) from visits as v join members as m on m.key_id = v.key_id
   group by m.first_name, m.email $$;
create function public.find_invitation(_email text) returns table (token uuid, org text)
language sql stable security definer set search_path = public as $$
  select i.token, 'Pots' from public.invitations as i
   where lower(i.email) = lower(_email) and i.status = 'pending' and i.expires_at > now() limit 1 $$;
create function public.is_member(_email text) returns boolean
language sql stable security definer set search_path = public as $$
  select exists (select from members where lower(email) = lower(_email)) $$;
create function public.visit_figures() returns table (active bigint, weekly bigint)
language sql stable security definer set search_path = public as $$
  select (select count(*) from members where standing = 'Active'), (select count(*) from visits) $$;

-- a REVOKE that names PUBLIC only: the platform's default grants to anon and authenticated stay
select pgmq.create('outgoing');
select pgmq.create('outgoing_dlq');
create function public.enqueue_mail(queue_name text, payload jsonb) returns bigint
language plpgsql security definer as $$
begin return pgmq.send(queue_name, payload); exception when undefined_table then return 0; end $$;
create function public.drop_mail(queue_name text, message_id bigint) returns boolean
language plpgsql security definer as $$ begin return pgmq.delete(queue_name, message_id); end $$;
create function public.bury_mail(source_queue text, dlq_name text, message_id bigint, payload jsonb) returns void
language plpgsql security definer as $$
begin perform pgmq.send(dlq_name, payload); perform pgmq.delete(source_queue, message_id); end $$;
create function public.next_mails(queue_name text, batch_size int, vt int) returns table (msg_id bigint, message jsonb)
language plpgsql security definer as $$
begin return query select r.msg_id, r.message from pgmq.read(queue_name, vt, batch_size) as r; end $$;
revoke execute on function public.enqueue_mail(text, jsonb), public.drop_mail(text, bigint),
  public.bury_mail(text, text, bigint, jsonb), public.next_mails(text, int, int) from public;

create table public.applications (
  id uuid primary key default gen_random_uuid(), first_name text not null, email text not null);
alter table public.applications enable row level security;
create policy form on public.applications for insert with check (true);
create function public.admit() returns trigger language plpgsql security definer set search_path = public as $$
begin
  insert into members (key_id, first_name, email, standing)
  values ((select coalesce(max(key_id), 0) + 1 from members), new.first_name, new.email, 'Active');
  return new;
end $$;
create trigger admit after insert on public.applications for each row execute function public.admit();
