-- Every object of the app's schemas as one line of text.
with owner as (
  select owner as name from freehold.installation
), app_schema as (
  select n.oid, n.nspname, n.nspacl, n.nspowner
    from pg_namespace as n
   where n.nspname <> all (%(platform)s::text[]) and n.nspname !~ '^(pg_|freehold)'
), of_extension as (
  select classid, objid from pg_depend where deptype = 'e'
), relation as (
  select c.oid, c.relname, c.relkind, c.relacl, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.reloptions,
         c.relreplident, s.nspname, format('%%I.%%I', s.nspname, c.relname) as name
    from pg_class as c
    join app_schema as s on s.oid = c.relnamespace
   where not exists (select from of_extension as e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
), platform_table as (
  select c.oid, format('%%I.%%I', n.nspname, c.relname) as name
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
   where n.nspname in ('auth', 'storage', 'realtime') and c.relkind in ('r', 'p')
), routine as (
  select p.oid, p.prokind, p.proacl, p.proowner,
         format('%%I.%%I(%%s)', s.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as name
    from pg_proc as p
    join app_schema as s on s.oid = p.pronamespace
   where not exists (select from of_extension as e where e.classid = 'pg_proc'::regclass and e.objid = p.oid)
), granted as (
  select 'table ' || r.name as object, a.grantee, a.privilege_type, a.is_grantable, r.relowner as owner
    from relation as r, aclexplode(r.relacl) as a
   where r.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
  union all
  select format('column %%s.%%I', r.name, t.attname), a.grantee, a.privilege_type, a.is_grantable, r.relowner
    from relation as r join pg_attribute as t on t.attrelid = r.oid, aclexplode(t.attacl) as a
   where not t.attisdropped
  union all
  select 'function ' || r.name, a.grantee, a.privilege_type, a.is_grantable, r.proowner
    from routine as r, aclexplode(coalesce(r.proacl, acldefault('f', r.proowner))) as a
  union all
  select format('schema %%I', s.nspname), a.grantee, a.privilege_type, a.is_grantable, s.nspowner
    from app_schema as s, aclexplode(s.nspacl) as a
)
select format('schema %%I', nspname) from app_schema where nspname <> 'public'
union all
select format('relation %%s kind=%%s%%s rls=%%s force=%%s identity=%%s options=%%s', name, relkind,
              case when relkind = 'p' then ' by ' || pg_get_partkeydef(oid) end, relrowsecurity,
              relforcerowsecurity, relreplident, (select string_agg(o, ',' order by o) from unnest(reloptions) as o))
  from relation where relkind in ('r', 'p', 'v', 'm', 'f')
union all
select format('column %%s.%%I %%s%%s%%s%%s%%s default=%%s', r.name, a.attname, format_type(a.atttypid, a.atttypmod),
              case when a.attnotnull then ' not null' end, ' identity=' || nullif(a.attidentity::text, ''),
              ' generated=' || nullif(a.attgenerated::text, ''),
              case when a.attcollation not in (0, 100) then ' collation=' || a.attcollation::regcollation end,
              pg_get_expr(d.adbin, d.adrelid))
  from relation as r
  join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef as d on d.adrelid = r.oid and d.adnum = a.attnum
 where r.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
union all
select format('constraint %%s %%I %%s validated=%%s', r.name, c.conname, pg_get_constraintdef(c.oid), c.convalidated)
  from relation as r join pg_constraint as c on c.conrelid = r.oid
 where c.contype <> 'n' and (c.contype <> 't')
union all
select format('index %%s valid=%%s', pg_get_indexdef(i.indexrelid), i.indisvalid)
  from pg_index as i join relation as r on r.oid = i.indrelid
 where not exists (select from pg_constraint as c where c.conindid = i.indexrelid and c.contype in ('p', 'u', 'x'))
union all
select format('view %%s %%s', name, pg_get_viewdef(oid)) from relation where relkind in ('v', 'm')
union all
select 'partition of ' || i.inhparent::regclass::text || ' ' || r.name || ' '
       || coalesce(pg_get_expr(c.relpartbound, c.oid), 'inherits')
  from pg_inherits as i join relation as r on r.oid = i.inhrelid join pg_class as c on c.oid = r.oid
 where r.relkind in ('r', 'p', 'f')
union all
select format('function %%s %%s', name,
              case when prokind in ('f', 'p', 'w') then pg_get_functiondef(oid) else pg_get_function_result(oid) end)
  from routine
union all
select format('trigger %%s enabled=%%s', pg_get_triggerdef(t.oid), t.tgenabled)
  from pg_trigger as t
 where not t.tgisinternal
   and (t.tgrelid in (select oid from relation)
        or (t.tgrelid in (select oid from platform_table) and t.tgfoid in (select oid from routine)))
union all
select format('policy %%s %%I %%s for %%s to %%s using (%%s) check (%%s)', t.name, p.polname,
              case when p.polpermissive then 'permissive' else 'restrictive' end, p.polcmd,
              (select string_agg(case when u.role = 0 then 'public' else u.role::regrole::text end, ','
                                 order by case when u.role = 0 then 'public' else u.role::regrole::text end)
                 from unnest(p.polroles) as u (role)),
              pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
  from pg_policy as p
  join (select oid, name from relation union all select oid, name from platform_table) as t on t.oid = p.polrelid
union all
select format('enum %%I.%%I %%s', s.nspname, t.typname,
              (select string_agg(quote_literal(e.enumlabel), ',' order by e.enumsortorder)
                 from pg_enum as e where e.enumtypid = t.oid))
  from pg_type as t join app_schema as s on s.oid = t.typnamespace
 where t.typtype = 'e'
   and not exists (select from of_extension as e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
union all
select format('domain %%I.%%I %%s not null=%%s default=%%s %%s', s.nspname, t.typname,
              format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
              (select string_agg(pg_get_constraintdef(c.oid), ' ' order by c.conname)
                 from pg_constraint as c where c.contypid = t.oid and c.contype = 'c'))
  from pg_type as t join app_schema as s on s.oid = t.typnamespace
 where t.typtype = 'd'
   and not exists (select from of_extension as e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
union all
select format('sequence %%s %%s start=%%s increment=%%s', r.name, q.seqtypid::regtype, q.seqstart, q.seqincrement)
  from pg_sequence as q join relation as r on r.oid = q.seqrelid
union all
select format('publication %%I %%s columns=%%s where=%%s', p.pubname, r.name, (select string_agg(a.attname, ',' order by a.attname) from pg_attribute as a
                where a.attrelid = pr.prrelid and a.attnum = any (pr.prattrs)),
              pg_get_expr(pr.prqual, pr.prrelid))
  from pg_publication_rel as pr
  join pg_publication as p on p.oid = pr.prpubid
  join relation as r on r.oid = pr.prrelid
union all
select format('publication %%I all tables', pubname) from pg_publication where puballtables
union all
select format('grant %%s on %%s to %%s%%s', g.privilege_type, g.object,
              case when g.grantee = 0 then 'public'
                   when g.grantee = (select name from owner)::regrole then 'owner' else g.grantee::regrole::text end,
              case when g.is_grantable then ' with grant option' end)
  from granted as g where g.grantee <> g.owner
union all
select format('owner of %%s is %%s', r.name, r.relowner::regrole)
  from relation as r
 where r.relkind in ('r', 'p', 'v', 'm', 'f') and r.relowner <> (select name from owner)::regrole
