-- Secrets for SQL. `secret` is encrypted with a key that only freehold_platform's functions can read, so that a copy of
-- vault.secrets alone gives nothing away. The key lives in this database, in schema freehold: SQL has to decrypt without
-- asking anybody, and a key outside would have to stand in a setting, where every role can read it.

create table freehold.vault_key (
  singleton boolean primary key default true check (singleton),
  passphrase text not null
);
insert into freehold.vault_key (passphrase)
values (encode(sha256((gen_random_uuid()::text || gen_random_uuid()::text || gen_random_uuid()::text)::bytea), 'hex'));
grant usage on schema freehold to freehold_platform;
grant select on freehold.vault_key to freehold_platform;

create schema if not exists vault authorization freehold_platform;
grant usage on schema vault to :"owner", service_role;

set local role freehold_platform;

create table vault.secrets (
  id uuid not null default gen_random_uuid() constraint secrets_pkey primary key,
  name text,
  description text not null default '',
  secret text not null,
  key_id uuid,
  nonce bytea,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index secrets_name_idx on vault.secrets (name) where (name is not null);

create function vault._encrypt() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if tg_op = 'INSERT' or new.secret is distinct from old.secret then
    new.secret := encode(
      extensions.pgp_sym_encrypt(new.secret, (select passphrase from freehold.vault_key), 'cipher-algo=aes256'),
      'base64');
  end if;
  new.updated_at := now();
  return new;
end
$$;
create trigger encrypt before insert or update on vault.secrets for each row execute function vault._encrypt();

create function vault._decrypt(secret text) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  return extensions.pgp_sym_decrypt(decode(secret, 'base64'), (select passphrase from freehold.vault_key));
end
$$;

create view vault.decrypted_secrets as
  select id, name, description, secret, vault._decrypt(secret) as decrypted_secret, key_id, nonce, created_at,
         updated_at
    from vault.secrets;

create function vault.create_secret(
  new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
) returns uuid language sql as $$
  insert into vault.secrets (secret, name, description, key_id)
  values (new_secret, new_name, new_description, new_key_id) returning id
$$;

create function vault.update_secret(
  secret_id uuid, new_secret text default null, new_name text default null, new_description text default null,
  new_key_id uuid default null
) returns void language sql as $$
  update vault.secrets
     set secret = coalesce(new_secret, secret), name = coalesce(new_name, name),
         description = coalesce(new_description, description), key_id = coalesce(new_key_id, key_id)
   where id = secret_id
$$;

revoke execute on all functions in schema vault from public;
grant execute on all functions in schema vault to :"owner", service_role;
grant select, insert, update, delete on vault.secrets to :"owner", service_role;
grant select on vault.decrypted_secrets to :"owner", service_role;

reset role;
