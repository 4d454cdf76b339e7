select c.relname::text as name,
       c.relkind::text as kind,
       exists (select from unnest(c.reloptions) as item
                where item ~* '^security_invoker=(true|on|yes|1)$') as invoker,
       pg_get_viewdef(c.oid) as definition,
       has_any_column_privilege('anon', c.oid, 'select') as anon_select,
       has_any_column_privilege('authenticated', c.oid, 'select') as user_select,
       -- 4 and 16 are UPDATE and DELETE in the events of pg_relation_is_updatable
       array(select verb from (values (4, 'change', 'update'), (16, 'delete', 'delete')) as act (bit, verb, privilege)
              where c.relkind = 'v' and pg_relation_is_updatable(c.oid, false) & bit = bit
                and has_table_privilege('anon', c.oid, privilege)) as anon_writes,
       array(select a.attname::text from pg_attribute as a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
       array(select distinct s.nspname || '.' || t.relname
               from pg_rewrite as w
               join pg_depend as d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
                                  and d.refclassid = 'pg_class'::regclass and d.refobjid <> c.oid
               join pg_class as t on t.oid = d.refobjid
               join pg_namespace as s on s.oid = t.relnamespace
              where w.ev_class = c.oid and (t.relrowsecurity or s.nspname = 'auth')) as protected
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
 where n.nspname = 'public' and c.relkind in ('v', 'm')
   and not exists (select from pg_depend as d
                    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
 order by c.relname
