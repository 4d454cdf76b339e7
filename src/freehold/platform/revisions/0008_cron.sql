-- Scheduled jobs as pg_cron keeps them; a worker of the runtime runs each as its `username`.

create schema if not exists cron authorization freehold_platform;
grant usage on schema cron to :"owner";

set local role freehold_platform;

create table cron.job (
  jobid bigserial primary key,
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport integer not null default coalesce(inet_server_port(), 5432),
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);

create table cron.job_run_details (
  jobid bigint,
  runid bigserial primary key,
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
create index job_run_details_jobid_idx on cron.job_run_details (jobid, runid);

-- One field of a schedule: numbers or names, ranges, lists and steps.
create function cron._valid_field(field text, low integer, high integer, names text[]) returns boolean
language plpgsql immutable set search_path = '' as $$
declare
  part text;
  found text[];
  edge text;
  number integer;
  edges integer[];
begin
  foreach part in array string_to_array(field, ',') loop
    found := regexp_match(part, '^(\*|[0-9a-z]+)(?:-([0-9a-z]+))?(?:/([0-9]{1,4}))?$');
    if found is null or found[3]::integer = 0 or (found[1] = '*' and found[2] is not null) then
      return false;
    end if;
    edges := '{}';
    foreach edge in array array[found[1], coalesce(found[2], found[1])] loop
      continue when edge = '*';
      number := coalesce(array_position(names, edge) - 1 + low,
                         case when edge ~ '^[0-9]{1,4}$' then edge::integer end);
      if number is null or number not between low and high then
        return false;
      end if;
      edges := edges || number;
    end loop;
    if edges[1] > edges[2] then
      return false;
    end if;
  end loop;
  return field <> '';
end
$$;

create function cron._valid_schedule(schedule text) returns boolean
language plpgsql immutable set search_path = '' as $$
declare
  fields constant text[] := regexp_split_to_array(lower(trim(schedule)), '\s+');
begin
  if lower(trim(schedule)) ~ '^[1-5]?[0-9] seconds?$' then
    return split_part(trim(schedule), ' ', 1)::integer > 0;
  end if;
  if fields[1] in ('@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly', '@reboot') then
    return cardinality(fields) = 1;
  end if;
  return cardinality(fields) = 5
    and cron._valid_field(fields[1], 0, 59, '{}')
    and cron._valid_field(fields[2], 0, 23, '{}')
    and (fields[3] = '$' or cron._valid_field(fields[3], 1, 31, '{}'))
    and cron._valid_field(fields[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}')
    and cron._valid_field(fields[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}');
end
$$;

-- A job runs as the role that scheduled it: nobody can schedule for somebody else, whatever the statement.
create function cron._check_job() returns trigger language plpgsql set search_path = '' as $$
begin
  if not cron._valid_schedule(new.schedule) then
    raise exception 'invalid schedule: %', new.schedule
      using errcode = '22023',
            hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
  end if;
  if new.username <> current_user
     and not exists (select from pg_catalog.pg_roles where rolname = current_user and rolsuper) then
    raise exception 'must be superuser to schedule a job for another role' using errcode = '42501';
  end if;
  if new.database <> current_database() then
    raise exception 'cannot schedule a job in another database: %', new.database using errcode = '0A000';
  end if;
  perform pg_notify('freehold_cron', '');
  return new;
end
$$;
create trigger check_job before insert or update on cron.job for each row execute function cron._check_job();

create function cron.schedule(schedule text, command text) returns bigint language sql as $$
  insert into cron.job (schedule, command) values (schedule, command) returning jobid
$$;

create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as $$
  insert into cron.job (jobname, schedule, command) values (job_name, schedule, command)
  on conflict on constraint jobname_username_uniq
  do update set schedule = excluded.schedule, command = excluded.command, active = true
  returning jobid
$$;

create function cron.schedule_in_database(
  job_name text, schedule text, command text, database text, username text default null, active boolean default true
) returns bigint language sql as $$
  insert into cron.job (jobname, schedule, command, database, username, active)
  values (job_name, schedule, command, database, coalesce(username, current_user), active)
  on conflict on constraint jobname_username_uniq
  do update set schedule = excluded.schedule, command = excluded.command, active = excluded.active
  returning jobid
$$;

create function cron.alter_job(
  job_id bigint, schedule text default null, command text default null, database text default null,
  username text default null, active boolean default null
) returns void
language plpgsql as $$
begin
  update cron.job as j
     set schedule = coalesce(alter_job.schedule, j.schedule), command = coalesce(alter_job.command, j.command),
         database = coalesce(alter_job.database, j.database), username = coalesce(alter_job.username, j.username),
         active = coalesce(alter_job.active, j.active)
   where j.jobid = job_id;
  if not found then
    raise exception 'Job % does not exist or you don''t own it', job_id;
  end if;
end
$$;

create function cron.unschedule(job_id bigint) returns boolean language plpgsql as $$
begin
  delete from cron.job where jobid = job_id;
  if not found then
    raise exception 'could not find valid entry for job %', job_id;
  end if;
  return true;
end
$$;

create function cron.unschedule(job_name text) returns boolean language plpgsql as $$
begin
  delete from cron.job where jobname = job_name and username = current_user;
  if not found then
    raise exception 'could not find valid entry for job ''%''', job_name;
  end if;
  return true;
end
$$;

revoke execute on all functions in schema cron from public;
grant execute on all functions in schema cron to :"owner";
grant select, insert, update, delete on cron.job to :"owner";
grant usage on sequence cron.job_jobid_seq to :"owner";
grant select, delete on cron.job_run_details to :"owner";

reset role;
