-- Counters of attempts, shared by all workers and machines. A key is a digest: no address is kept here.

-- name: count_attempt
insert into auth.freehold_attempts as a (key, attempts, resets_at)
values ($1, 1, now() + make_interval(secs => $2::float8))
on conflict (key) do update set
  attempts = case when a.resets_at <= now() then 1 else a.attempts + 1 end,
  resets_at = case when a.resets_at <= now() then excluded.resets_at else a.resets_at end
returning attempts

-- name: attempts
select coalesce((select attempts from auth.freehold_attempts where key = $1 and resets_at > now()), 0)

-- name: forget_attempts
delete from auth.freehold_attempts where key = $1

-- name: sweep_attempts
delete from auth.freehold_attempts where resets_at < now() - interval '1 hour'
