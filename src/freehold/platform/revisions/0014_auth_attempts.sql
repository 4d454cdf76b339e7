-- Counters of attempts to sign in or to use a code, shared by all workers of the runtime. The key is a digest; losing
-- the counters in a crash only starts them anew, so they are not written to the WAL.

set local role supabase_auth_admin;

create unlogged table auth.freehold_attempts (
  key text constraint freehold_attempts_pkey primary key,
  attempts integer not null,
  resets_at timestamptz not null
);
create index freehold_attempts_resets_at_idx on auth.freehold_attempts (resets_at);
alter table auth.freehold_attempts enable row level security;

reset role;
