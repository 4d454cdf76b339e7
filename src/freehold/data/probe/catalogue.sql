-- Everything that can be planted or attacked, as one JSON document. Names are looked up in pg_catalog only.
with app_schema as (
  select n.oid, n.nspname from pg_namespace as n
   where n.nspname <> all (%(platform)s::text[]) and n.nspname !~ '^(pg_|freehold)'
), relation as (
  select c.oid, c.relname, c.relkind, c.relrowsecurity, c.relispartition, c.relowner, s.nspname, c.reloptions
    from pg_class as c join app_schema as s on s.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm')
     and not exists (select from pg_depend as d
                      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
)
select jsonb_build_object(
  'relations', coalesce((select jsonb_agg(jsonb_build_object(
    'oid', r.oid::bigint, 'schema', r.nspname, 'name', r.relname, 'kind', r.relkind, 'secured', r.relrowsecurity,
    'owner', r.relowner::regrole::text,
    'invoker', coalesce('security_invoker=true' = any (r.reloptions) or 'security_invoker=on' = any (r.reloptions), false),
    'updatable', case when r.relkind = 'v' then pg_relation_is_updatable(r.oid, false) else 0 end,
    'parent', (select i.inhparent::bigint from pg_inherits as i where i.inhrelid = r.oid and r.relispartition limit 1),
    'bounds', case when r.relispartition then pg_get_partition_constraintdef(r.oid) end,
    'columns', coalesce((select jsonb_agg(jsonb_build_object(
        'name', a.attname, 'type', format_type(a.atttypid, null), 'written', format_type(a.atttypid, a.atttypmod),
        'array', t.typcategory = 'A', 'required', a.attnotnull or t.typnotnull,
        'default', a.atthasdef and a.attgenerated = '' or a.attidentity <> '',
        'generated', a.attgenerated <> '' or a.attidentity = 'a',
        'base', coalesce(nullif(t.typbasetype, 0), t.oid)::regtype::text,
        'labels', (select jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_enum as e
                    where e.enumtypid in (t.oid, t.typbasetype, t.typelem)),
        'length', case when a.atttypmod > 4 and t.typname in ('varchar', 'bpchar') then a.atttypmod - 4 end)
        order by a.attnum)
      from pg_attribute as a join pg_type as t on t.oid = a.atttypid
     where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped), '[]'),
    'keys', coalesce((select jsonb_agg(jsonb_build_object(
        'columns', (select jsonb_agg(a.attname) from pg_attribute as a
                     where a.attrelid = r.oid and a.attnum = any (i.indkey::smallint[])), 'primary', i.indisprimary))
      from pg_index as i where i.indrelid = r.oid and i.indisunique), '[]'),
    'references', coalesce((select jsonb_agg(jsonb_build_object(
        'columns', (select jsonb_agg(a.attname order by k.n) from unnest(c.conkey) with ordinality as k (attnum, n)
                      join pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.attnum),
        'target', c.confrelid::bigint, 'target_name', tn.nspname || '.' || tc.relname,
        'target_columns', (select jsonb_agg(a.attname order by k.n)
                             from unnest(c.confkey) with ordinality as k (attnum, n)
                             join pg_attribute as a on a.attrelid = c.confrelid and a.attnum = k.attnum)))
      from pg_constraint as c
      join pg_class as tc on tc.oid = c.confrelid
      join pg_namespace as tn on tn.oid = tc.relnamespace
     where c.conrelid = r.oid and c.contype = 'f'), '[]'),
    'checks', coalesce((select jsonb_agg(jsonb_build_object(
        'name', c.conname, 'definition', pg_get_constraintdef(c.oid),
        'columns', (select jsonb_agg(a.attname) from pg_attribute as a
                     where a.attrelid = r.oid and a.attnum = any (c.conkey))))
      from pg_constraint as c where c.conrelid = r.oid and c.contype = 'c'), '[]'),
    'policies', coalesce((select jsonb_agg(jsonb_build_object(
        'name', p.polname, 'command', p.polcmd, 'permissive', p.polpermissive,
        'roles', (select jsonb_agg(case when u.role = 0 then 'public' else u.role::regrole::text end)
                    from unnest(p.polroles) as u (role)),
        'using', coalesce(pg_get_expr(p.polqual, p.polrelid), ''),
        'check', coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')))
      from pg_policy as p where p.polrelid = r.oid), '[]'),
    'bases', case when r.relkind in ('v', 'm') then coalesce((
      with recursive base (oid) as (
        select d.refobjid from pg_rewrite as w join pg_depend as d
            on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
         where w.ev_class = r.oid and d.refobjid <> r.oid
        union
        select d.refobjid from base as b join pg_rewrite as w on w.ev_class = b.oid join pg_depend as d
            on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
         where d.refobjid <> b.oid
      ) select jsonb_agg(distinct b.oid::bigint) from base as b join pg_class as c on c.oid = b.oid
         where c.relkind in ('r', 'p')), '[]') else '[]' end,
    'readable', jsonb_build_object(
      'anon', (select jsonb_agg(a.attname order by a.attnum) from pg_attribute as a where a.attrelid = r.oid and a.attnum > 0
                  and not a.attisdropped and has_column_privilege('anon', r.oid, a.attnum, 'select')),
      'authenticated', (select jsonb_agg(a.attname order by a.attnum) from pg_attribute as a where a.attrelid = r.oid and a.attnum > 0
                  and not a.attisdropped and has_column_privilege('authenticated', r.oid, a.attnum, 'select'))),
    'writable', jsonb_build_object(
      'anon', (select jsonb_agg(a.attname order by a.attnum) from pg_attribute as a where a.attrelid = r.oid and a.attnum > 0
                  and not a.attisdropped and has_column_privilege('anon', r.oid, a.attnum, 'update')),
      'authenticated', (select jsonb_agg(a.attname order by a.attnum) from pg_attribute as a where a.attrelid = r.oid and a.attnum > 0
                  and not a.attisdropped and has_column_privilege('authenticated', r.oid, a.attnum, 'update')))
    ) order by r.nspname, r.relname) from relation as r), '[]'),
  'functions', coalesce((select jsonb_agg(jsonb_build_object(
      'oid', p.oid::bigint, 'schema', s.nspname, 'name', p.proname, 'kind', p.prokind, 'definer', p.prosecdef,
      'source', p.prosrc, 'defaults', p.pronargdefaults, 'result', format_type(p.prorettype, null),
      'set', p.proretset, 'volatile', p.provolatile,
      'ruled_by', exists (select from pg_depend as d where d.refclassid = 'pg_proc'::regclass and d.refobjid = p.oid
                           and d.classid in ('pg_policy'::regclass, 'pg_rewrite'::regclass)),
      'identity', pg_get_function_identity_arguments(p.oid),
      'types', (select jsonb_agg(format_type(a.type, null) order by a.n)
                  from unnest(p.proargtypes) with ordinality as a (type, n)),
      'labels', (select jsonb_agg((select jsonb_agg(e.enumlabel order by e.enumsortorder) from pg_enum as e
                                    where e.enumtypid = a.type) order by a.n)
                   from unnest(p.proargtypes) with ordinality as a (type, n)),
      'names', (select jsonb_agg(coalesce(p.proargnames[a.n], '') order by a.n)
                  from unnest(p.proargtypes) with ordinality as a (type, n)),
      'callers', (select jsonb_agg(role) from unnest(array['anon', 'authenticated']) as role
                   where has_function_privilege(role, p.oid, 'execute'))) order by s.nspname, p.proname, p.oid)
    from pg_proc as p join app_schema as s on s.oid = p.pronamespace
   where p.prokind = 'f' and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
     and not exists (select from pg_depend as d
                      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')), '[]'),
  'triggered', (select jsonb_agg(distinct t.tgrelid::bigint) from pg_trigger as t
                 where not t.tgisinternal and t.tgtype::int & 4 = 4 and t.tgenabled <> 'D'),
  'buckets', coalesce((select jsonb_agg(jsonb_build_object('id', b.id, 'public', b.public)) from storage.buckets as b), '[]'),
  'storage_rules', coalesce((select string_agg(coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' '
                                     || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''), ' ')
                               from pg_policy as p where p.polrelid = 'storage.objects'::regclass), ''))
