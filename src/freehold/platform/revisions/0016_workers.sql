-- What the one leading worker of a database may do, as functions: the runtime's login `authenticator` may call them and
-- nobody else, and has no right on what lies behind. Nothing here is in reach of a request: roles that requests take
-- have no usage of the schema.

create schema freehold_worker authorization freehold_platform;
revoke all on schema freehold_worker from public;
grant usage on schema freehold_worker to authenticator, freehold_platform, freehold_replication,
  supabase_realtime_admin;

-- Where the other workers on the leader's machine find it. The secret opens the socket, which only this user reaches.
create table freehold_worker.leader (
  singleton boolean primary key default true check (singleton),
  address text not null,
  secret text not null,
  since timestamptz not null default now()
);
alter table freehold_worker.leader owner to freehold_platform;

create function freehold_worker.announce(address text, secret text) returns void
language sql security definer set search_path = '' as $$
  insert into freehold_worker.leader (address, secret) values (address, secret)
  on conflict (singleton) do update set address = excluded.address, secret = excluded.secret, since = now()
$$;

create function freehold_worker.leader_address(out address text, out secret text) returns setof record
language sql stable security definer set search_path = '' as $$
  select address, secret from freehold_worker.leader
$$;

-- The slot of this database. A role that may replicate does everything over an ordinary connection, with this slot and
-- this publication only.
create function freehold_worker.slot_name() returns name
language sql stable security definer set search_path = '' as $$
  select ('freehold_realtime_' || oid)::name from pg_catalog.pg_database where datname = current_database()
$$;

create function freehold_worker.open_slot() returns text
language plpgsql security definer set search_path = '' as $$
declare
  slot constant name := freehold_worker.slot_name();
  state text;
begin
  if current_setting('wal_level') <> 'logical' then
    return 'not logical';
  end if;
  select case when wal_status = 'lost' then 'lost' else 'kept' end into state
    from pg_catalog.pg_replication_slots where slot_name = slot;
  if state = 'kept' then
    return state;
  elsif state = 'lost' then
    perform pg_catalog.pg_drop_replication_slot(slot);
  end if;
  perform pg_catalog.pg_create_logical_replication_slot(slot, 'pgoutput');
  return coalesce(state, 'made');
end
$$;

create function freehold_worker.drop_slot() returns void
language sql security definer set search_path = '' as $$
  select pg_catalog.pg_drop_replication_slot(slot_name)
    from pg_catalog.pg_replication_slots where slot_name = freehold_worker.slot_name()
$$;

-- Values are written as JSON wants them, whatever the session's settings are.
create function freehold_worker.peek_changes(most integer, out lsn pg_lsn, out data bytea) returns setof record
language sql security definer set search_path = '' set timezone = 'UTC' set datestyle = 'ISO, YMD'
set intervalstyle = 'postgres' set bytea_output = 'hex' set extra_float_digits = '1' as $$
  select lsn, data from pg_catalog.pg_logical_slot_peek_binary_changes(
    freehold_worker.slot_name(), null, most, 'proto_version', '1', 'publication_names', 'supabase_realtime')
$$;

create function freehold_worker.confirm_changes(reached pg_lsn) returns void
language sql security definer set search_path = '' as $$
  select pg_catalog.pg_replication_slot_advance(slot_name, least(reached, pg_catalog.pg_current_wal_flush_lsn()))
    from pg_catalog.pg_replication_slots
   where slot_name = freehold_worker.slot_name() and confirmed_flush_lsn < reached
$$;

-- Broadcasts from SQL. A message's transaction is kept, so that a reader asks for what its last snapshot could not see:
-- nothing is missed however long a transaction took, and nothing is read twice.
create table freehold_worker.outbox (
  number bigint generated always as identity primary key,
  transaction xid8 not null default pg_current_xact_id(),
  message_id uuid not null,
  inserted_at timestamp not null
);
alter table freehold_worker.outbox owner to supabase_realtime_admin;

create function freehold_worker.tell_broadcast() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  insert into freehold_worker.outbox (message_id, inserted_at) values (new.id, new.inserted_at);
  perform pg_catalog.pg_notify('freehold_worker', 'broadcast');
  return null;
end
$$;
create trigger freehold_broadcast after insert on realtime.messages
  for each row when (new.extension = 'broadcast') execute function freehold_worker.tell_broadcast();

create function freehold_worker.broadcasts_since(seen text, out snapshot text, out messages json)
language sql stable security definer set search_path = '' as $$
  select pg_catalog.pg_current_snapshot()::text,
         (select coalesce(json_agg(json_build_object(
                   'id', m.id, 'topic', m.topic, 'event', m.event, 'private', coalesce(m.private, false),
                   'payload', m.payload, 'binary', encode(m.binary_payload, 'base64')) order by o.number), '[]')
            from freehold_worker.outbox as o
            join realtime.messages as m on m.id = o.message_id and m.inserted_at = o.inserted_at
           where not pg_visible_in_snapshot(o.transaction, seen::pg_snapshot))
$$;

create function freehold_worker.replay(
  of_topic text, since timestamp, most integer, out id uuid, out event text, out payload jsonb
) returns setof record
language sql stable security definer set search_path = '' as $$
  select id, event, payload
    from (select * from realtime.messages
           where topic = of_topic and private and extension = 'broadcast' and inserted_at >= since
             and payload is not null
           order by inserted_at desc limit least(most, 25)) as latest
   order by inserted_at
$$;

-- Rows that nobody ever sees: their transaction is rolled back when the caller's policies have been asked.
create function freehold_worker.place_probes(of_topic text, broadcast uuid, presence uuid) returns void
language sql security definer set search_path = '' as $$
  insert into realtime.messages (id, topic, extension, private)
  values (broadcast, of_topic, 'broadcast', true), (presence, of_topic, 'presence', true)
$$;

create function freehold_worker.forget_broadcasts() returns void
language sql security definer set search_path = '' as $$
  delete from freehold_worker.outbox where inserted_at < now() - interval '15 minutes';
  delete from realtime.messages where inserted_at < now() - interval '72 hours'
$$;

-- Scheduled jobs.
create function freehold_worker.jobs(
  out jobid bigint, out schedule text, out command text, out username text, out last_start timestamptz
) returns setof record
language sql stable security definer set search_path = '' as $$
  select jobid, schedule, command, username,
         (select run.start_time from cron.job_run_details as run
           where run.jobid = job.jobid order by run.runid desc limit 1)
    from cron.job where active and database = current_database() order by jobid
$$;

create function freehold_worker.job_started(of_job bigint, pid integer, statement text, as_user text) returns bigint
language sql security definer set search_path = '' as $$
  insert into cron.job_run_details (jobid, job_pid, database, username, command, status, start_time)
  values (of_job, pid, current_database(), as_user, statement, 'running', clock_timestamp()) returning runid
$$;

create function freehold_worker.job_ended(of_run bigint, outcome text, message text) returns void
language sql security definer set search_path = '' as $$
  update cron.job_run_details set status = outcome, return_message = message, end_time = clock_timestamp()
   where runid = of_run
$$;

create function freehold_worker.forget_runs() returns void
language sql security definer set search_path = '' as $$
  delete from cron.job_run_details where end_time < now() - interval '7 days'
$$;

create function freehold_worker.close_runs() returns void
language sql security definer set search_path = '' as $$
  update cron.job_run_details
     set status = 'failed', return_message = 'the worker that ran it ended', end_time = clock_timestamp()
   where status = 'running'
$$;

-- Requests from SQL. One is taken once: what was sent is never sent again.
create function freehold_worker.take_requests(most integer) returns setof net.http_request_queue
language sql security definer set search_path = '' as $$
  delete from net.http_request_queue
   where id in (select id from net.http_request_queue order by id limit most for update skip locked)
  returning *
$$;

create function freehold_worker.keep_response(
  of_request bigint, code integer, kind text, answer_headers jsonb, body text, late boolean, problem text
) returns void
language sql security definer set search_path = '' as $$
  insert into net._http_response (id, status_code, content_type, headers, content, timed_out, error_msg)
  values (of_request, code, kind, answer_headers, body, late, problem)
$$;

create function freehold_worker.forget_responses() returns void
language sql security definer set search_path = '' as $$
  delete from net._http_response where created < now() - interval '6 hours'
$$;

create function freehold_worker.wake() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
  perform pg_catalog.pg_notify('freehold_worker', tg_argv[0]);
  return null;
end
$$;
create trigger freehold_wake after insert on net.http_request_queue
  for each statement execute function freehold_worker.wake('net');
create trigger freehold_wake after insert or update or delete on cron.job
  for each statement execute function freehold_worker.wake('cron');

do $$
declare
  one record;
begin
  for one in
    select p.oid::regprocedure as signature, p.proname as name from pg_catalog.pg_proc as p
     where p.pronamespace = 'freehold_worker'::regnamespace
  loop
    execute format('alter function %s owner to %I', one.signature, case
      when one.name in ('slot_name', 'open_slot', 'drop_slot', 'peek_changes', 'confirm_changes')
        then 'freehold_replication'
      when one.name in ('tell_broadcast', 'broadcasts_since', 'replay', 'place_probes', 'forget_broadcasts')
        then 'supabase_realtime_admin'
      else 'freehold_platform' end);
    execute format('revoke execute on function %s from public', one.signature);
    if one.name not in ('tell_broadcast', 'wake') then
      execute format('grant execute on function %s to authenticator', one.signature);
    end if;
  end loop;
end
$$;
