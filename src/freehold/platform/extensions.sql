-- Extensions to make now: available, not there yet, and of use without a restart.
select available.name
  from unnest(%(wanted)s::text[]) with ordinality as wanted (name, place)
  join pg_catalog.pg_available_extensions as available using (name)
 where available.installed_version is null
   and (available.name <> 'pg_stat_statements'
        or current_setting('shared_preload_libraries') like '%%pg_stat_statements%%')
 order by wanted.place
