-- Sign-in by other providers: the flow under way, and whose identity this is.

-- name: insert_provider_flow
insert into auth.flow_state (id, auth_code, code_challenge_method, code_challenge, provider_type,
  authentication_method, referrer, linking_target_id, email_optional, invite_token, created_at, updated_at)
values ($1, nullif($2, ''), nullif($3, '')::auth.code_challenge_method, nullif($4, ''), $5, 'oauth', $6, $7::uuid, $8,
  nullif($9, ''), now(), now())

-- name: insert_sign_in
insert into auth.freehold_sign_ins (flow_id, code_verifier, browser) values ($1, $2, $3)

-- name: flow
select to_jsonb(f) || jsonb_build_object('age_seconds', extract(epoch from now() - f.created_at),
  'is_open', exists (select 1 from auth.freehold_sign_ins s where s.flow_id = f.id))
from auth.flow_state f where f.id = $1 and f.authentication_method = 'oauth'

-- name: take_sign_in
delete from auth.freehold_sign_ins where flow_id = $1 and browser = $2 returning code_verifier

-- name: delete_flow
delete from auth.flow_state where id = $1

-- name: finish_flow
update auth.flow_state set user_id = $2, provider_access_token = $3, provider_refresh_token = $4,
  auth_code_issued_at = now(), updated_at = now()
where id = $1 returning auth_code

-- name: identity_of_provider
select to_jsonb(i) from auth.identities i where i.provider_id = $1 and i.provider = $2

-- name: users_of_addresses
-- Only what was proved counts: a user's own address, or an identity's that its provider vouched for.
select {user} from auth.users u
where u.aud = $2 and not u.is_sso_user and (
  lower(u.email) in (select jsonb_array_elements_text($1::jsonb))
  or exists (select 1 from auth.identities i
             where i.user_id = u.id and i.email in (select jsonb_array_elements_text($1::jsonb))
               and i.provider !~ '^sso:' and i.identity_data ->> 'email_verified' = 'true'))
order by u.created_at limit 2

-- name: insert_provider_identity
insert into auth.identities (id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
values (gen_random_uuid(), $1, $2, $3, $4, now(), now(), now())
returning id

-- name: refresh_identity
update auth.identities set identity_data = $2::jsonb, last_sign_in_at = now(), updated_at = now() where id = $1

-- name: delete_other_identities
delete from auth.identities where user_id = $1 and id <> $2

-- name: delete_unproved_identities
delete from auth.identities where user_id = $1 and id <> $2 and identity_data ->> 'email_verified' is distinct from 'true'

-- name: replace_user_metadata
update auth.users set raw_user_meta_data = $2::jsonb, updated_at = now() where id = $1

-- name: drop_password
update auth.users set encrypted_password = null, updated_at = now() where id = $1
