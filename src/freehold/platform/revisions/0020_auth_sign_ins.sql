-- Sign-ins under way at a provider: what the callback has to know besides auth.flow_state. A row is taken by deleting
-- it, so each state counts once.

set local role supabase_auth_admin;

create table auth.freehold_sign_ins (
  flow_id uuid constraint freehold_sign_ins_pkey primary key
    constraint freehold_sign_ins_flow_id_fkey references auth.flow_state (id) on delete cascade,
  code_verifier text not null,
  browser text not null
);
comment on column auth.freehold_sign_ins.browser is 'SHA-256 of the cookie of the browser that asked';
alter table auth.freehold_sign_ins enable row level security;

reset role;
