select p.schemaname::text as schema,
       p.tablename::text as name,
       p.policyname::text as policy,
       p.permissive = 'PERMISSIVE' as permissive,
       p.roles::text[] as roles,
       p.cmd as command,
       coalesce(p.qual, '') as using_text,
       coalesce(p.with_check, '') as check_text,
       c.relrowsecurity as row_security
  from pg_policies as p
  join pg_class as c on c.oid = format('%I.%I', p.schemaname, p.tablename)::regclass
 where p.schemaname in ('public', 'storage')
 order by p.schemaname, p.tablename, p.policyname
