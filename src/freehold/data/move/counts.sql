-- The published counts at the target; what extensions own is left out, as pg_dump leaves it out.
with member as (
  select objid, classid from pg_catalog.pg_depend where deptype = 'e'
), relation as (
  select c.oid, c.relkind, c.relname from pg_catalog.pg_class as c
   where c.relnamespace = 'public'::regnamespace
     and not exists (select from member where classid = 'pg_catalog.pg_class'::regclass and objid = c.oid)
)
select jsonb_build_object(
  'tables', (select count(*) from relation where relkind in ('r', 'p')),
  'views', (select count(*) from relation where relkind = 'v'),
  'enums', (select count(*) from pg_catalog.pg_type as t where t.typtype = 'e' and t.typnamespace = 'public'::regnamespace
              and not exists (select from member where classid = 'pg_catalog.pg_type'::regclass and objid = t.oid)),
  'rls_policies', (select count(*) from pg_catalog.pg_policy as p join relation as r on r.oid = p.polrelid),
  'functions_custom', (select count(*) from pg_catalog.pg_proc as p
     where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p', 'w') and p.proname !~ '^pg_'
       and not exists (select from member where classid = 'pg_catalog.pg_proc'::regclass and objid = p.oid)),
  'triggers', (select count(*) from pg_catalog.pg_trigger as t join pg_catalog.pg_class as c on c.oid = t.tgrelid
     where not t.tgisinternal and t.tgparentid = 0 and c.relnamespace in ('public'::regnamespace, 'auth'::regnamespace)),
  'sequences', (select count(*) from relation where relkind = 'S'),
  'indexes_custom', (select count(*) from pg_catalog.pg_index as i join relation as r on r.oid = i.indexrelid
     where not exists (select from pg_catalog.pg_constraint as k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')))
)
