-- The same shapes done right, and what is meant to be open: the probe must call none of it a hole.
create table public.sound_profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  username text unique, avatar_url text, role text not null default 'user' check (role in ('user', 'admin')));
alter table public.sound_profiles enable row level security;
create policy s on public.sound_profiles for select using (true);
create policy u on public.sound_profiles for update using (auth.uid() = id) with check (auth.uid() = id);
create function public.keep_role() returns trigger language plpgsql as $$
begin
  if new.role is distinct from old.role then raise exception 'role is not yours to change'; end if;
  return new;
end $$;
create trigger keep_role before update on public.sound_profiles for each row execute function public.keep_role();

create table public.sound_articles (
  id uuid primary key default gen_random_uuid(), title text not null, body text, status text not null
    check (status in ('draft', 'published')));
alter table public.sound_articles enable row level security;
create policy s on public.sound_articles for select using (status = 'published');

create table public.sound_posts (
  id uuid primary key default gen_random_uuid(), author_id uuid not null references auth.users (id),
  body text not null check (length(body) >= 20), rating integer check (rating between 1 and 5));
alter table public.sound_posts enable row level security;
create policy s on public.sound_posts for select using (true);
create policy w on public.sound_posts for all using (auth.uid() = author_id) with check (auth.uid() = author_id);

create table public.sound_orders (
  id bigint generated always as identity primary key, user_id uuid not null references auth.users (id),
  email text not null check (email ~ '^[^@]+@[^@]+$'), total numeric(10, 2) not null check (total > 0));
alter table public.sound_orders enable row level security;
create policy a on public.sound_orders for all to authenticated
  using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
create table public.sound_order_items (
  id uuid primary key default gen_random_uuid(), order_id bigint not null references public.sound_orders (id),
  quantity integer not null check (quantity > 0));
alter table public.sound_order_items enable row level security;
create policy a on public.sound_order_items for all to authenticated
  using (exists (select from public.sound_orders as o where o.id = order_id and o.user_id = auth.uid()));

create table public.sound_messages (
  id uuid primary key default gen_random_uuid(), sender_id uuid not null, receiver_id uuid not null,
  role text not null default 'user' check (role in ('user', 'assistant')), body text);
alter table public.sound_messages enable row level security;
create policy s on public.sound_messages for select using (auth.uid() in (sender_id, receiver_id));
create policy i on public.sound_messages for insert with check (auth.uid() = sender_id);

create table public.sound_contact_form (
  id uuid primary key default gen_random_uuid(), name text not null, email text not null, message text not null);
alter table public.sound_contact_form enable row level security;
create policy i on public.sound_contact_form for insert with check (true);

create table public.sound_app_metadata (id uuid primary key default gen_random_uuid(), user_id uuid not null, body text);
alter table public.sound_app_metadata enable row level security;
create policy s on public.sound_app_metadata for select
  using (auth.uid() = user_id or auth.jwt() -> 'app_metadata' ->> 'role' = 'admin');

create view public.sound_public_authors as select id, username from public.sound_profiles;
revoke insert, update, delete on public.sound_public_authors from anon, authenticated;
create view public.sound_my_orders with (security_invoker = on) as select * from public.sound_orders;

create function public.sound_has_role(_user_id uuid, _role text) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select from public.sound_profiles as p where p.id = _user_id and p.role = _role) $$;
create function public.sound_my_email() returns text
language sql stable security definer set search_path = '' as $$
  select o.email from public.sound_orders as o where o.user_id = auth.uid() limit 1 $$;
create function public.sound_quote(term text) returns bigint language plpgsql security definer as $$
declare
  found bigint;
begin
  execute format('select count(*) from public.sound_posts where body like %L', term) into found;
  return found;
end $$;
create function public.sound_view_post(p_post_id uuid) returns void language sql security definer set search_path = '' as $$
  update public.sound_posts as p set rating = p.rating where p.id = p_post_id and p.author_id = auth.uid() $$;

insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true), ('private', 'private', false);
create policy "avatars are public" on storage.objects for select using (bucket_id = 'avatars');
create policy "own avatar" on storage.objects for insert to authenticated
  with check (bucket_id = 'avatars' and (storage.foldername(name))[1] = auth.uid()::text);
create policy "own files" on storage.objects for all to authenticated
  using (bucket_id = 'private' and (storage.foldername(name))[1] = auth.uid()::text);

-- A text that nothing of the app asks for rights.
create table public.sound_cards (user_id uuid primary key references auth.users (id), role text, plan_note text);
alter table public.sound_cards enable row level security;
create policy a on public.sound_cards for all using (auth.uid() = user_id) with check (auth.uid() = user_id);
