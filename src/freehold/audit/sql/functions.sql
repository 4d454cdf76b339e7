select p.proname::text as name,
       pg_get_function_identity_arguments(p.oid) as arguments,
       coalesce(p.proargnames::text[], '{}') as argument_names,
       p.prosecdef as definer,
       l.lanname::text as language,
       p.prorettype in ('trigger'::regtype, 'event_trigger'::regtype) as is_trigger,
       exists (select from unnest(p.proconfig) as setting where setting like 'search\_path=%') as fixed_path,
       coalesce(p.prosrc, '') || coalesce(pg_get_function_sqlbody(p.oid), '') as body,
       has_function_privilege('anon', p.oid, 'execute') as anon_execute,
       has_function_privilege('authenticated', p.oid, 'execute') as user_execute
  from pg_proc as p
  join pg_namespace as n on n.oid = p.pronamespace
  join pg_language as l on l.oid = p.prolang
 where n.nspname = 'public' and p.prokind in ('f', 'p')
   and not exists (select from pg_depend as d
                    where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
 order by p.proname, arguments
