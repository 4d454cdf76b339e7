select c.relname::text as name,
       c.relkind::text as kind,
       c.relrowsecurity as row_security,
       array(select a.attname::text from pg_attribute as a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum) as columns,
       array(select a.attname::text from pg_attribute as a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                and a.atttypid = 'uuid'::regtype) as ids,
       array(select distinct a.attname::text
               from pg_constraint as k join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
              where k.conrelid = c.oid and k.contype = 'f' and k.confrelid = to_regclass('auth.users')) as user_columns,
       array(select distinct a.attname::text
               from pg_constraint as k join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = any (k.conkey)
              where k.conrelid = c.oid and k.contype = 'f' and k.confrelid = to_regclass('auth.users')
                and a.attnotnull) as required_users,
       array(select a.attname::text from pg_attribute as a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                and has_column_privilege('authenticated', c.oid, a.attnum, 'update')) as updatable,
       exists (select from pg_index as i join pg_attribute as a on a.attrelid = c.oid and a.attnum = i.indkey[0]
                where i.indrelid = c.oid and i.indisunique and i.indnkeyatts = 1
                  and (a.attname = 'user_id' or exists (select from pg_constraint as k
                         where k.conrelid = c.oid and k.contype = 'f' and k.confrelid = to_regclass('auth.users')
                           and a.attnum = any (k.conkey)))) as one_a_user,
       (select count(*) from pg_policy as p where p.polrelid = c.oid)::int as policies,
       has_any_column_privilege('anon', c.oid, 'select') as anon_select,
       has_any_column_privilege('anon', c.oid, 'insert') as anon_insert,
       has_any_column_privilege('anon', c.oid, 'update') as anon_update,
       has_table_privilege('anon', c.oid, 'delete') as anon_delete,
       has_any_column_privilege('authenticated', c.oid, 'select') as user_select,
       has_any_column_privilege('authenticated', c.oid, 'insert') as user_insert,
       has_any_column_privilege('authenticated', c.oid, 'update') as user_update,
       has_table_privilege('authenticated', c.oid, 'delete') as user_delete,
       array(select pg_get_functiondef(t.tgfoid) from pg_trigger as t
              where t.tgrelid = c.oid and not t.tgisinternal and (t.tgtype & 2) = 2 and (t.tgtype & 16) = 16) as guards
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
 where n.nspname = 'public' and c.relkind in ('r', 'p')
   and not exists (select from pg_depend as d
                    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
 order by c.relname
