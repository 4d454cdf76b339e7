-- What decides who may hear of a change, read anew for every batch: row security, keys, types and column rights.
-- $1 oids of tables, $2 names of roles
select c.oid::text, n.nspname, c.relname, c.relrowsecurity,
       (select json_agg(json_build_array(
                 a.attname, t.typname, coalesce(nullif(base.typname, t.typname), t.typname),
                 coalesce(element.typname, ''),
                 exists (select from pg_catalog.pg_index as i
                          where i.indrelid = c.oid and i.indisprimary and a.attnum = any (i.indkey)),
                 pg_catalog.format_type(a.atttypid, a.atttypmod)) order by a.attnum)
          from pg_catalog.pg_attribute as a
          join pg_catalog.pg_type as t on t.oid = a.atttypid
          left join pg_catalog.pg_type as base on base.oid = t.typbasetype
          left join pg_catalog.pg_type as element
            on element.oid = coalesce(nullif(t.typelem, 0), base.typelem)
           and coalesce(base.typcategory, t.typcategory) = 'A'
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
       (select coalesce(json_object_agg(r.rolname, coalesce(
                 (select json_agg(a.attname) from pg_catalog.pg_attribute as a
                   where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                     and pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage')
                     and pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, 'select')), '[]')), '{}')
          from pg_catalog.pg_roles as r
         where r.rolname = any ($2::text[]::name[]) and pg_catalog.pg_has_role(current_user, r.oid, 'member'))
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
 where c.oid = any ($1::text[]::oid[])
