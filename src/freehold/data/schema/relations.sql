-- What the REST API could show of one schema: relations with columns, functions and enums, with PostgreSQL's types.
select jsonb_build_object(
  'relations', coalesce((
    select jsonb_object_agg(c.relname, jsonb_build_object('kind', c.relkind, 'columns', coalesce((
      select jsonb_object_agg(a.attname, jsonb_build_object(
               'type', format_type(a.atttypid, null), 'full', format_type(a.atttypid, a.atttypmod),
               'category', t.typtype, 'element', e.typtype,
               'schema', tn.nspname, 'name', coalesce(e.typname, t.typname),
               'nullable', not (a.attnotnull or (t.typtype = 'd' and t.typnotnull))))
        from pg_attribute as a
        join pg_type as t on t.oid = a.atttypid
        left join pg_type as e on e.oid = t.typelem and t.typcategory = 'A'
        join pg_namespace as tn on tn.oid = coalesce(e.typnamespace, t.typnamespace)
       where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), '{}')))
      from pg_class as c
     where c.relnamespace = n.oid and c.relkind in ('r', 'p', 'f', 'v', 'm') and not c.relispartition
       and not exists (select from pg_depend as d
                        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')), '{}'),
  'functions', coalesce((
    select jsonb_object_agg(named.proname, named.signatures)
      from (select p.proname, jsonb_agg(pg_get_function_identity_arguments(p.oid)) as signatures
              from pg_proc as p
             where p.pronamespace = n.oid and p.prokind in ('f', 'p')
               and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
               and not exists (select from pg_depend as d
                                where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
             group by p.proname) as named), '{}'),
  'enums', coalesce((
    select jsonb_object_agg(t.typname, (select jsonb_agg(e.enumlabel order by e.enumsortorder)
                                          from pg_enum as e where e.enumtypid = t.oid))
      from pg_type as t where t.typnamespace = n.oid and t.typtype = 'e'), '{}'))
  from pg_namespace as n
 where n.nspname = %s
