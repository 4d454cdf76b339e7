-- One-time tokens: the code's hash is in auth.users, the link's token in auth.one_time_tokens.

-- name: put_one_time_token
insert into auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to, created_at, updated_at)
values (gen_random_uuid(), $1, $2::auth.one_time_token_type, $3, lower($4), now() at time zone 'UTC',
  now() at time zone 'UTC')
on conflict (user_id, token_type) do update set token_hash = excluded.token_hash, relates_to = excluded.relates_to,
  created_at = excluded.created_at, updated_at = excluded.updated_at

-- name: find_one_time_token
select user_id from auth.one_time_tokens where token_hash = $1 and token_type::text = any($2::text[])

-- name: take_one_time_token
delete from auth.one_time_tokens where token_hash = $1 and token_type::text = any($2::text[])
returning token_type

-- name: clear_one_time_tokens
delete from auth.one_time_tokens where user_id = $1

-- name: clear_one_time_token
delete from auth.one_time_tokens where user_id = $1 and token_type = $2::auth.one_time_token_type

-- name: user_by_pending_email
select {user} from auth.users u
where u.aud = $2 and not u.is_sso_user and (lower(u.email_change) = $1 or (lower(u.email) = $1 and u.email_change <> ''))
order by (lower(u.email) = $1) desc limit 1

-- name: set_confirmation
update auth.users set confirmation_token = $2, confirmation_sent_at = now(), updated_at = now() where id = $1

-- name: set_invitation
update auth.users set confirmation_token = $2, confirmation_sent_at = now(), invited_at = now(), updated_at = now()
where id = $1

-- name: set_recovery
update auth.users set recovery_token = $2, recovery_sent_at = now(), updated_at = now() where id = $1

-- name: set_reauthentication
update auth.users set reauthentication_token = $2, reauthentication_sent_at = now(), updated_at = now() where id = $1

-- name: set_email_change_new
update auth.users set email_change_token_new = $2, email_change_sent_at = now(), updated_at = now() where id = $1

-- name: set_email_change_current
update auth.users set email_change_token_current = $2, email_change_sent_at = now(), updated_at = now() where id = $1
