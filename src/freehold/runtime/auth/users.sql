-- The users of the app. A user is always read whole, with identities and factors, as one JSON object.

-- name: user_json
to_jsonb(u) || jsonb_build_object(
  'identities', coalesce((select jsonb_agg(to_jsonb(i) order by i.created_at, i.id)
                          from auth.identities i where i.user_id = u.id), '[]'),
  'factors', coalesce((select jsonb_agg(to_jsonb(f) order by f.created_at, f.id)
                       from auth.mfa_factors f where f.user_id = u.id), '[]'))

-- name: user_by_id
select {user} from auth.users u where u.id = $1

-- name: user_by_email
select {user} from auth.users u where lower(u.email) = $1 and u.aud = $2 and not u.is_sso_user

-- name: user_by_phone
select {user} from auth.users u where u.phone = $1 and u.aud = $2 and not u.is_sso_user

-- name: user_by_identity_email
select {user} from auth.users u
where u.aud = $2 and (u.id = (
    select i.user_id from auth.identities i join auth.users o on o.id = i.user_id
    where i.email = $1 and i.provider !~ '^sso:' and o.aud = $2 and o.id is distinct from $3::uuid limit 1)
  or (lower(u.email) = $1 and not u.is_sso_user and u.id is distinct from $3::uuid))
limit 1

-- name: lock_user
select {user} from auth.users u where u.id = $1 for update of u

-- name: insert_user
insert into auth.users (
  instance_id, id, aud, role, email, phone, encrypted_password, raw_app_meta_data, raw_user_meta_data,
  is_anonymous, is_sso_user, created_at, updated_at, confirmation_token, recovery_token, email_change_token_new,
  email_change, email_change_token_current, phone_change, phone_change_token, reauthentication_token)
values ('00000000-0000-0000-0000-000000000000', $1, $2, $3, nullif($4, ''), nullif($5, ''), $6, $7, $8,
  $9, false, now(), now(), '', '', '', '', '', '', '', '')

-- name: insert_identity
insert into auth.identities (id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
values (gen_random_uuid(), $1, $2, $3, $4, now(), now(), now())
on conflict (provider_id, provider) do nothing

-- name: update_identity
update auth.identities set identity_data = coalesce(identity_data, '{}') || $3::jsonb, updated_at = now()
where user_id = $1 and provider = $2

-- name: delete_identity
delete from auth.identities where id = $1 and user_id = $2

-- name: adopt_identity_metadata
update auth.users u set raw_user_meta_data = coalesce(u.raw_user_meta_data, '{}') || i.identity_data, updated_at = now()
from auth.identities i where u.id = $1 and i.user_id = u.id and i.provider = $2

-- name: mark_identity_verified
update auth.identities i set identity_data = i.identity_data || '{"email_verified": true}', updated_at = now()
from auth.users u where u.id = $1 and i.user_id = u.id and i.email = lower(u.email)

-- name: update_providers
update auth.users u set updated_at = now(),
  raw_app_meta_data = coalesce(u.raw_app_meta_data, '{}')
    || jsonb_build_object('providers', coalesce(p.all_names, '[]'))
    || coalesce(jsonb_strip_nulls(jsonb_build_object('provider', p.all_names -> 0)), '{}')
from (select jsonb_agg(name order by first) as all_names
      from (select provider as name, min(created_at) as first
            from auth.identities where user_id = $1 group by provider) as each) as p
where u.id = $1

-- name: confirm_email
update auth.users set email_confirmed_at = now(), confirmation_token = '', updated_at = now(),
  raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || '{"email_verified": true}'
where id = $1

-- name: confirm_phone
update auth.users set phone_confirmed_at = now(), confirmation_token = '', updated_at = now() where id = $1

-- name: clear_recovery
update auth.users set recovery_token = '', updated_at = now() where id = $1

-- name: clear_reauthentication
update auth.users set reauthentication_token = '', updated_at = now() where id = $1

-- name: first_half_of_email_change
update auth.users set email_change_confirm_status = 1, updated_at = now(),
  email_change_token_current = case when $2 = 'email_change_token_current' then '' else email_change_token_current end,
  email_change_token_new = case when $2 = 'email_change_token_new' then '' else email_change_token_new end
where id = $1

-- name: finish_email_change
update auth.users set email = email_change, email_change = '', email_change_token_current = '',
  email_change_token_new = '', email_change_confirm_status = 0, is_anonymous = false, updated_at = now()
where id = $1 and email_change <> ''

-- name: begin_email_change
update auth.users set email_change = $2, email_change_confirm_status = 0, updated_at = now() where id = $1

-- name: set_email
update auth.users set email = $2, updated_at = now() where id = $1

-- name: set_phone
update auth.users set phone = nullif($2, ''), updated_at = now() where id = $1

-- name: unconfirm_email
update auth.users set email_confirmed_at = null, updated_at = now(),
  raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || '{"email_verified": false}'
where id = $1

-- name: unconfirm_phone
update auth.users set phone = null, phone_confirmed_at = null, updated_at = now() where id = $1

-- name: set_role
update auth.users set role = $2, updated_at = now() where id = $1

-- name: not_anonymous
update auth.users set is_anonymous = false, updated_at = now() where id = $1

-- name: set_password
update auth.users set encrypted_password = $2, confirmation_token = '', confirmation_sent_at = null,
  recovery_token = '', recovery_sent_at = null, email_change_token_current = '', email_change_token_new = '',
  email_change_sent_at = null, phone_change_token = '', phone_change_sent_at = null,
  reauthentication_token = '', reauthentication_sent_at = null, updated_at = now()
where id = $1

-- name: clear_pending
update auth.users set confirmation_token = '', confirmation_sent_at = null, recovery_token = '',
  recovery_sent_at = null, email_change = '', email_change_token_current = '', email_change_token_new = '',
  email_change_sent_at = null, email_change_confirm_status = 0, phone_change = '', phone_change_token = '',
  phone_change_sent_at = null, reauthentication_token = '', reauthentication_sent_at = null, updated_at = now()
where id = $1

-- name: merge_user_metadata
update auth.users set updated_at = now(), raw_user_meta_data =
  (select coalesce(jsonb_object_agg(key, value), '{}')
   from jsonb_each(coalesce(raw_user_meta_data, '{}') || $2::jsonb) where value <> 'null')
where id = $1

-- name: merge_app_metadata
update auth.users set updated_at = now(), raw_app_meta_data =
  (select coalesce(jsonb_object_agg(key, value), '{}')
   from jsonb_each(coalesce(raw_app_meta_data, '{}') || $2::jsonb) where value <> 'null')
where id = $1

-- name: set_ban
update auth.users set banned_until = $2::timestamptz, updated_at = now() where id = $1

-- name: list_users
select coalesce(jsonb_agg(page.one order by page.place), '[]'), coalesce(max(page.total), 0) from (
  select {user} as one, count(*) over () as total,
    row_number() over (order by case when $5 then u.created_at end, case when not $5 then u.created_at end desc, u.id)
      as place
  from auth.users u
  where u.aud = $1 and ($2 = '' or u.email like '%' || $2 || '%' or u.raw_user_meta_data ->> 'full_name' ilike '%' || $2 || '%')
  order by place limit $3 offset $4) as page

-- name: count_users
select count(*) from auth.users u
where u.aud = $1 and ($2 = '' or u.email like '%' || $2 || '%' or u.raw_user_meta_data ->> 'full_name' ilike '%' || $2 || '%')

-- name: delete_user
delete from auth.users where id = $1

-- name: delete_refresh_tokens_of_user
delete from auth.refresh_tokens where user_id = $1

-- name: soft_delete_user
update auth.users set
  email = $2, phone = $3, email_change = $4, phone_change = $5, encrypted_password = null, confirmation_token = '',
  recovery_token = '', email_change_token_current = '', email_change_token_new = '', phone_change_token = '',
  reauthentication_token = '', raw_user_meta_data = '{}', raw_app_meta_data = '{}', deleted_at = now(),
  updated_at = now()
where id = $1

-- name: soft_delete_identity
update auth.identities set identity_data = '{}', provider_id = $2, updated_at = now() where id = $1

-- name: delete_factors_of_user
delete from auth.mfa_factors where user_id = $1

-- name: audit
insert into auth.audit_log_entries (instance_id, id, payload, created_at, ip_address)
values ('00000000-0000-0000-0000-000000000000', gen_random_uuid(), $1, now(), $2)

-- name: list_audit
select coalesce(jsonb_agg(to_jsonb(page) - 'total' - 'instance_id' order by page.created_at desc), '[]'),
  coalesce(max(page.total), 0)
from (
  select e.*, count(*) over () as total from auth.audit_log_entries e
  where $1 = '' or exists (select 1 from json_each_text(e.payload) p where p.key = any($2::text[]) and p.value ilike '%' || $1 || '%')
  order by e.created_at desc limit $3 offset $4) as page
