-- Database webhooks, GraphQL's answer that there is none, and the schemas whose mere presence dumps expect.

create schema if not exists supabase_functions authorization supabase_functions_admin;
create schema if not exists graphql authorization freehold_platform;
create schema if not exists graphql_public authorization freehold_platform;
create schema if not exists supabase_migrations authorization :"owner";
grant usage on schema supabase_functions, graphql, graphql_public
  to :"owner", anon, authenticated, service_role;

set local role supabase_functions_admin;

create table supabase_functions.migrations (
  version text not null constraint migrations_pkey primary key,
  inserted_at timestamptz not null default now()
);
create table supabase_functions.hooks (
  id bigserial constraint hooks_pkey primary key,
  hook_table_id integer not null,
  hook_name text not null,
  created_at timestamptz not null default now(),
  request_id bigint
);
create index supabase_functions_hooks_request_id_idx on supabase_functions.hooks (request_id);
create index supabase_functions_hooks_h_table_id_h_name_idx on supabase_functions.hooks (hook_table_id, hook_name);

-- Trigger arguments: address, method, headers, parameters, timeout in milliseconds.
create function supabase_functions.http_request() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
  url constant text := tg_argv[0];
  method constant text := upper(tg_argv[1]);
  headers constant jsonb := coalesce(nullif(tg_argv[2], 'null'), '{"Content-Type": "application/json"}')::jsonb;
  params constant jsonb := coalesce(nullif(tg_argv[3], 'null'), '{}')::jsonb;
  timeout constant integer := coalesce(nullif(tg_argv[4], 'null'), '1000')::integer;
  request_id bigint;
begin
  if nullif(url, 'null') is null then
    raise exception 'url argument is missing';
  elsif method = 'GET' then
    request_id := net.http_get(url, params, headers, timeout);
  elsif method = 'POST' then
    request_id := net.http_post(
      url,
      jsonb_build_object('old_record', case when tg_op <> 'INSERT' then to_jsonb(old) end,
                         'record', case when tg_op <> 'DELETE' then to_jsonb(new) end,
                         'type', tg_op, 'table', tg_table_name, 'schema', tg_table_schema),
      params, headers, timeout);
  else
    raise exception 'method argument % is invalid', coalesce(method, 'null');
  end if;
  insert into supabase_functions.hooks (hook_table_id, hook_name, request_id)
  values (tg_relid::bigint::integer, tg_name, request_id);
  return case when tg_op = 'DELETE' then old else new end;
end
$$;
grant execute on function supabase_functions.http_request() to :"owner", anon, authenticated, service_role;
grant select on supabase_functions.hooks, supabase_functions.migrations to :"owner", service_role;

set local role freehold_platform;

create function graphql_public.graphql(
  "operationName" text default null, query text default null, variables jsonb default null,
  extensions jsonb default null
) returns jsonb language sql immutable as $$
  select jsonb_build_object('errors', jsonb_build_array(jsonb_build_object(
    'message', 'GraphQL is not served here: pg_graphql is not part of this PostgreSQL. Use the REST API.')))
$$;
grant execute on function graphql_public.graphql(text, text, jsonb, jsonb) to anon, authenticated, service_role;

set local role :"owner";

create table supabase_migrations.schema_migrations (
  version text not null constraint schema_migrations_pkey primary key,
  statements text[],
  name text
);

reset role;
