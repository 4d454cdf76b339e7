-- Every table, sequence and materialized view outside of PostgreSQL's own schemas, with what this role may do with it.
select n.nspname, c.relname, c.relkind::text, pg_get_userbyid(c.relowner),
       case when c.relkind = 'S' then has_sequence_privilege(c.oid, 'select')
            else has_table_privilege(c.oid, 'select') end
         and has_schema_privilege(n.oid, 'usage') as readable,
       c.relrowsecurity and not (
         (select r.rolsuper or r.rolbypassrls from pg_roles as r where r.rolname = current_user)
         or (pg_has_role(c.relowner, 'usage') and not c.relforcerowsecurity)) as hides_rows,
       case when c.relkind in ('r', 'm') then pg_relation_size(c.oid) / current_setting('block_size')::bigint
            else 0 end as blocks,
       exists (select from pg_depend as d
                where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e') as of_extension,
       (select array_agg(a.attname order by a.attnum) from pg_attribute as a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
       c.relispopulated, c.oid,
       coalesce((select bool_and(t.oid < 10000 or t.typtype = 'e')
                   from pg_attribute as a join pg_type as t on t.oid = a.atttypid
                  where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped), true) as plain_types
  from pg_class as c
  join pg_namespace as n on n.oid = c.relnamespace
 where c.relkind in ('r', 'S', 'm')
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by n.nspname, c.relname
