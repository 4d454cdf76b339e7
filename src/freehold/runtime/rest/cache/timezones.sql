-- The names that Prefer: timezone accepts.
select pg_catalog.json_agg(name) from pg_catalog.pg_timezone_names
