-- Sessions, their refresh tokens and what they were proved with.

-- name: insert_session
insert into auth.sessions (id, user_id, created_at, updated_at, factor_id, aal, user_agent, ip)
values ($1, $2, now(), now(), $3, $4::auth.aal_level, nullif($5, ''), nullif($6, '')::inet)

-- name: insert_refresh_token
insert into auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, parent, session_id)
values ('00000000-0000-0000-0000-000000000000', $1, $2, false, now(), now(), $3, $4)

-- name: insert_claim
insert into auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
values (gen_random_uuid(), $1, now(), now(), $2)
on conflict (session_id, authentication_method) do update set updated_at = now()

-- name: touch_sign_in
update auth.users set last_sign_in_at = now(), updated_at = now() where id = $1

-- name: session
select to_jsonb(s) || jsonb_build_object('amr', coalesce((
    select jsonb_agg(jsonb_build_object('method', c.authentication_method,
                                        'timestamp', extract(epoch from c.updated_at)::bigint)
                     order by c.updated_at desc)
    from auth.mfa_amr_claims c where c.session_id = s.id), '[]'),
  'age_seconds', extract(epoch from now() - s.created_at),
  'idle_seconds', extract(epoch from now() - coalesce(s.refreshed_at at time zone 'UTC', s.created_at)),
  'is_past', coalesce(s.not_after < now(), false))
from auth.sessions s where s.id = $1

-- name: session_of_user
select to_jsonb(s) from auth.sessions s where s.id = $1 and s.user_id = $2

-- name: lock_session_by_token
select s.id from auth.sessions s join auth.refresh_tokens t on t.session_id = s.id where t.token = $1 for update of s

-- name: lock_session
select s.id from auth.sessions s where s.id = $1 for update

-- name: refresh_token
select jsonb_build_object('user_id', t.user_id, 'session_id', t.session_id, 'revoked', t.revoked, 'parent', t.parent,
  'age_seconds', extract(epoch from clock_timestamp() - t.updated_at),
  'active', (select jsonb_build_object('token', a.token, 'parent', a.parent) from auth.refresh_tokens a
             where a.session_id = t.session_id and not a.revoked order by a.id desc limit 1))
from auth.refresh_tokens t where t.token = $1

-- name: active_refresh_token
select token from auth.refresh_tokens where session_id = $1 and not revoked order by id desc limit 1

-- name: revoke_refresh_token
update auth.refresh_tokens set revoked = true, updated_at = now() where token = $1

-- name: revoke_family
-- Dated back, so that the interval in which reuse is forgiven does not open again for the token that was active.
update auth.refresh_tokens set revoked = true, updated_at = now() - interval '1 day' where session_id = $1

-- name: delete_orphan_token
delete from auth.refresh_tokens where token = $1 and session_id is null

-- name: set_counter
update auth.sessions set refresh_token_counter = $2 where id = $1

-- name: touch_session
update auth.sessions set refreshed_at = now() at time zone 'UTC', updated_at = now(),
  user_agent = nullif($2, ''), ip = nullif($3, '')::inet
where id = $1

-- name: set_level
update auth.sessions set aal = $2::auth.aal_level, factor_id = $3::uuid, updated_at = now() where id = $1

-- name: delete_lower_sessions
delete from auth.sessions where user_id = $1 and (aal is null or aal < 'aal2')

-- name: log_out
delete from auth.sessions where user_id = $1

-- name: log_out_session
delete from auth.sessions where id = $1

-- name: log_out_others
delete from auth.sessions where user_id = $1 and id <> $2

-- name: insert_flow
insert into auth.flow_state (id, user_id, auth_code, code_challenge_method, code_challenge, provider_type,
  authentication_method, created_at, updated_at)
values (gen_random_uuid(), $1, $2, $3::auth.code_challenge_method, $4, $5, $6, now(), now())

-- name: issue_auth_code
update auth.flow_state set auth_code_issued_at = now(), updated_at = now()
where id = (select id from auth.flow_state
            where user_id = $1 and authentication_method = $2 and code_challenge <> ''
            order by created_at desc limit 1)
returning auth_code

-- name: take_flow
delete from auth.flow_state where auth_code = $1
returning jsonb_build_object('user_id', user_id, 'method', code_challenge_method, 'challenge', code_challenge,
  'authentication_method', authentication_method, 'provider_type', provider_type,
  'provider_token', provider_access_token, 'provider_refresh_token', provider_refresh_token,
  'age_seconds', extract(epoch from now() - case when authentication_method = 'magiclink'
                                                 then coalesce(auth_code_issued_at, created_at) else created_at end))

-- name: sweep_flows
delete from auth.flow_state where created_at < now() - interval '1 day'
