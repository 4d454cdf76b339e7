-- Implicit casts by function between a domain and json or text: how that domain is shown and read.
select pg_catalog.json_build_array(
  cast_row.castsource::regtype::text, cast_row.casttarget::regtype::text, cast_row.castfunc::regproc::text
)
from pg_catalog.pg_cast cast_row
join pg_catalog.pg_type source on source.oid = cast_row.castsource
join pg_catalog.pg_type target on target.oid = cast_row.casttarget
where cast_row.castcontext = 'i'
  and cast_row.castmethod = 'f'
  and pg_catalog.has_function_privilege(cast_row.castfunc, 'execute')
  and (
    (source.typtype = 'd' and target.oid in ('json'::regtype, 'text'::regtype))
    or (target.typtype = 'd' and source.oid in ('json'::regtype, 'text'::regtype))
  )
