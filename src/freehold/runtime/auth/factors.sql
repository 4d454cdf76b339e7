-- Second factors and their challenges.

-- name: sweep_factors
delete from auth.mfa_factors where user_id = $1 and status = 'unverified' and created_at < now() - interval '5 minutes'

-- name: insert_factor
insert into auth.mfa_factors (id, user_id, friendly_name, factor_type, status, created_at, updated_at, secret)
values ($1, $2, $3, $4::auth.factor_type, 'unverified', now(), now(), $5)

-- name: insert_challenge
insert into auth.mfa_challenges (id, factor_id, created_at, ip_address) values ($1, $2, now(), $3::inet)

-- name: touch_challenge
update auth.mfa_factors set last_challenged_at = clock_timestamp() where id = $1

-- name: challenge
select jsonb_build_object('verified', verified_at is not null, 'ip', host(ip_address),
  'age_seconds', extract(epoch from now() - created_at))
from auth.mfa_challenges where id = $1 and factor_id = $2 for update

-- name: verify_challenge
update auth.mfa_challenges set verified_at = now() where id = $1

-- name: verify_factor
update auth.mfa_factors set status = 'verified', updated_at = now() where id = $1

-- name: delete_unverified_factors
delete from auth.mfa_factors where user_id = $1 and status = 'unverified' and factor_type = $2::auth.factor_type

-- name: delete_factor
delete from auth.mfa_factors where id = $1 and user_id = $2

-- name: rename_factor
update auth.mfa_factors set friendly_name = $2, updated_at = now() where id = $1

-- name: downgrade_sessions
update auth.sessions set aal = 'aal1', factor_id = null, updated_at = now() where user_id = $1 and factor_id = $2

-- name: delete_factor_claims
delete from auth.mfa_amr_claims c using auth.sessions s
where s.id = c.session_id and s.user_id = $1 and s.factor_id = $2
  and c.authentication_method in ('totp', 'mfa/phone', 'mfa/webauthn')
