-- Which releases can still work with an entity's schema: what each change takes away from older ones, who accepted it,
-- and where it stands in the same order as the app's migrations. `asks` says whom it lets in or what it takes away.
alter table base44.migration
  add column position bigint not null default nextval('freehold.migration_files_position_seq'),
  add column asks text not null default '',
  add column takes boolean not null default false,
  add column accepted_by text not null default '';
create index migration_position_idx on base44.migration (position) where takes;

-- A value without what stands at a path in it; a list on the way stands for its elements, and no path for no change.
-- For rules of nested fields.
set local role freehold_platform;
create function base44.without(v jsonb, path text[]) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
  if path is null then
    return v;
  elsif jsonb_typeof(v) = 'array' then
    return (select coalesce(jsonb_agg(base44.without(e, path) order by n), '[]')
              from jsonb_array_elements(v) with ordinality as x (e, n));
  elsif jsonb_typeof(v) <> 'object' or not v ? path[1] then
    return v;
  elsif cardinality(path) = 1 then
    return v - path[1];
  end if;
  return v || jsonb_build_object(path[1], base44.without(v -> path[1], path[2:]));
end
$$;
reset role;
grant usage on sequence freehold.migration_files_position_seq to :"owner", freehold_platform;
