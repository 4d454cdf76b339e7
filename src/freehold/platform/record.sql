-- What was installed here. The app's owner role has no right on schema freehold at all.

create schema if not exists freehold;
revoke all on schema freehold from public;

create table if not exists freehold.installation (
  singleton boolean primary key default true check (singleton),
  owner name not null
);
insert into freehold.installation (owner) values (:'owner') on conflict do nothing;

create table if not exists freehold.platform_revisions (
  name text primary key,
  checksum text not null,
  applied_at timestamptz not null default now()
);
