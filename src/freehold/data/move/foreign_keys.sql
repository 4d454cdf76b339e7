-- For every foreign key a query that counts rows without their counterpart. MATCH SIMPLE: a NULL in the key is no fault.
select format('%I.%I %I', n.nspname, c.relname, k.conname),
       format('select count(*) from only %I.%I as a where %s and not exists (select from %I.%I as b where %s)',
              n.nspname, c.relname,
              (select string_agg(format('a.%I is not null', f.attname), ' and ')
                 from unnest(k.conkey) as key (number)
                 join pg_catalog.pg_attribute as f on f.attrelid = k.conrelid and f.attnum = key.number),
              m.nspname, r.relname,
              (select string_agg(format('b.%I operator(%I.%s) a.%I', t.attname, o.nspname, p.oprname, f.attname), ' and ')
                 from unnest(k.conkey, k.confkey, k.conpfeqop) as pair (here, there, equals)
                 join pg_catalog.pg_attribute as f on f.attrelid = k.conrelid and f.attnum = pair.here
                 join pg_catalog.pg_attribute as t on t.attrelid = k.confrelid and t.attnum = pair.there
                 join pg_catalog.pg_operator as p on p.oid = pair.equals
                 join pg_catalog.pg_namespace as o on o.oid = p.oprnamespace))
  from pg_catalog.pg_constraint as k
  join pg_catalog.pg_class as c on c.oid = k.conrelid
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  join pg_catalog.pg_class as r on r.oid = k.confrelid
  join pg_catalog.pg_namespace as m on m.oid = r.relnamespace
 where k.contype = 'f' and c.relkind = 'r' and n.nspname !~ '^(pg_|freehold|information_schema$)'
 order by 1
