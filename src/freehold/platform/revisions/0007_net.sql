-- Requests from SQL: a queue that a worker of the runtime sends, and the answers. The functions insert for callers
-- that have no right on the queue.

create schema if not exists net authorization freehold_platform;
grant usage on schema net to :"owner", anon, authenticated, service_role, supabase_functions_admin;

set local role freehold_platform;

create domain net.http_method as text check (upper(value) in ('GET', 'POST', 'DELETE'));
create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
create type net.http_response as (status_code integer, headers jsonb, body text);
create type net.http_response_result as (status net.request_status, message text, response net.http_response);

create table net.http_request_queue (
  id bigserial primary key,
  method net.http_method not null,
  url text not null,
  headers jsonb,
  body bytea,
  timeout_milliseconds integer not null,
  created timestamptz not null default now()
);

create table net._http_response (
  id bigint,
  status_code integer,
  content_type text,
  headers jsonb,
  content text,
  timed_out boolean,
  error_msg text,
  created timestamptz not null default now()
);
create index _http_response_created_idx on net._http_response (created);
create index _http_response_id_idx on net._http_response (id);

create function net._urlencode_string(string varchar) returns text language sql immutable as $$
  select string_agg(
    case when one ~ '^[A-Za-z0-9_.~-]$' then one
         else regexp_replace(upper(encode(convert_to(one, 'UTF8'), 'hex')), '(..)', '%\1', 'g') end, '' order by place)
    from regexp_split_to_table(string, '') with ordinality as letters (one, place)
$$;

create function net._enqueue(
  method text, url text, params jsonb, headers jsonb, body bytea, timeout_milliseconds integer
) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
  query constant text := (
    select string_agg(net._urlencode_string(key) || '=' || net._urlencode_string(coalesce(value, '')), '&')
      from jsonb_each_text(coalesce(params, '{}')));
  request_id bigint;
begin
  if url is null or url !~* '^https?://[^/\s]+' then
    raise exception 'net: not an http address: %', coalesce(url, 'null') using errcode = '22023';
  end if;
  insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
  values (method, url || case when query is null then '' when position('?' in url) > 0 then '&' else '?' end
                      || coalesce(query, ''), headers, body, timeout_milliseconds)
  returning id into request_id;
  perform pg_notify('freehold_net', '');
  return request_id;
end
$$;

create function net.http_get(
  url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000
) returns bigint language sql as $$
  select net._enqueue('GET', url, params, headers, null, timeout_milliseconds)
$$;

create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}',
  headers jsonb default '{"Content-Type": "application/json"}', timeout_milliseconds integer default 5000
) returns bigint
language plpgsql as $$
declare
  content_type constant text := (
    select value from jsonb_each_text(coalesce(headers, '{}')) where lower(key) = 'content-type' limit 1);
begin
  if content_type is distinct from 'application/json' and content_type is not null then
    raise exception 'Content-Type header must be "application/json"';
  end if;
  return net._enqueue(
    'POST', url, params,
    coalesce(headers, '{}') || case when content_type is null then '{"Content-Type": "application/json"}'::jsonb
                                    else '{}'::jsonb end,
    convert_to(body::text, 'UTF8'), timeout_milliseconds);
end
$$;

create function net.http_delete(
  url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000,
  body jsonb default null
) returns bigint language sql as $$
  select net._enqueue('DELETE', url, params, headers, convert_to(body::text, 'UTF8'), timeout_milliseconds)
$$;

create function net._http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result
language plpgsql as $$
declare
  answer net._http_response;
begin
  for attempt in 1 .. case when async then 1 else 600 end loop
    select * into answer from net._http_response where id = request_id;
    exit when found or async;
    perform pg_sleep(0.1);
  end loop;
  if answer.id is null or answer.error_msg is not null then
    return row('ERROR'::net.request_status, coalesce(answer.error_msg, 'request matching request_id not found'),
               null::net.http_response)::net.http_response_result;
  end if;
  return row('SUCCESS'::net.request_status, 'ok',
             row(answer.status_code, answer.headers, answer.content)::net.http_response)::net.http_response_result;
end
$$;

create function net.http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result language sql as $$
  select net._http_collect_response(request_id, async)
$$;

revoke execute on all functions in schema net from public;
grant execute on all functions in schema net
  to :"owner", anon, authenticated, service_role, supabase_functions_admin;
grant select, delete on net.http_request_queue, net._http_response to :"owner", service_role;

reset role;
