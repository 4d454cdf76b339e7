-- Every statement Storage sends, but the few that a request composes (listing.py). Schema-qualified throughout.
-- Times are written as JavaScript's toISOString writes them, because that is what clients get from Supabase.

-- name: scope
-- $1 role, $2 claims, $3 sub, $4 headers, $5 method, $6 path, $7 operation. The role goes last: the others need none.
select set_config('request.jwt.claims', $2, true),
       set_config('request.jwt.claim.role', $1, true),
       set_config('request.jwt.claim.sub', $3, true),
       set_config('request.headers', $4, true),
       set_config('request.method', $5, true),
       set_config('request.path', $6, true),
       set_config('storage.operation', $7, true),
       set_config('storage.allow_delete_query', 'true', true),
       set_config('search_path', 'storage, public, extensions', true),
       set_config('statement_timeout', '30s', true),
       set_config('lock_timeout', '5s', true),
       set_config('role', $1, true)

-- name: lock_object
-- $1 bucket/key: writers of one object take turns.
select pg_advisory_xact_lock(hashtextextended('storage.objects ' || $1::text, 0))

-- name: find_bucket
select id, public, file_size_limit, to_jsonb(allowed_mime_types)
from storage.buckets
where id = $1

-- name: lock_bucket
select id from storage.buckets where id = $1 for update

-- name: bucket_has_objects
select exists (select from storage.objects where bucket_id = $1)

-- name: get_bucket
select json_build_object(
    'id', id, 'name', name, 'owner', coalesce(owner::text, ''), 'public', coalesce(public, false),
    'file_size_limit', file_size_limit, 'allowed_mime_types', allowed_mime_types,
    'created_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'updated_at', to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
from storage.buckets
where id = $1

-- name: list_buckets
-- $1 LIKE pattern, $2 limit or null, $3 offset, $4 column, $5 order, $6 whether to leave out the type.
with wanted as (
    select row_number() over (
               order by
                   case when $5 = 'asc' and $4 = 'id' then id end collate "C",
                   case when $5 = 'desc' and $4 = 'id' then id end collate "C" desc,
                   case when $5 = 'asc' and $4 = 'name' then name end collate "C",
                   case when $5 = 'desc' and $4 = 'name' then name end collate "C" desc,
                   case when $5 = 'asc' and $4 = 'created_at' then created_at end,
                   case when $5 = 'desc' and $4 = 'created_at' then created_at end desc,
                   case when $5 = 'asc' and $4 = 'updated_at' then updated_at end,
                   case when $5 = 'desc' and $4 = 'updated_at' then updated_at end desc,
                   created_at, id) as place,
           b.*
    from storage.buckets b
    where name ilike $1
    order by place
    limit $2::bigint offset $3::bigint
)
select coalesce(json_agg((case when $6::boolean then one - 'type' else one end) order by place), '[]')
from (
    select place, jsonb_build_object(
        'id', id, 'name', name, 'owner', coalesce(owner::text, ''), 'public', coalesce(public, false), 'type', type,
        'file_size_limit', file_size_limit, 'allowed_mime_types', allowed_mime_types,
        'created_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'updated_at', to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as one
    from wanted
) as listed

-- name: create_bucket
-- $1 id, $2 name, $3 owner, $4 owner_id, $5 public, $6 file_size_limit, $7 allowed_mime_types as JSON or null.
insert into storage.buckets (id, name, owner, owner_id, public, file_size_limit, allowed_mime_types)
values ($1, $2, $3::uuid, $4, $5::boolean, $6::bigint,
        case when $7::jsonb is null then null else array(select jsonb_array_elements_text($7::jsonb)) end)

-- name: update_bucket
-- $1 id; then in pairs whether to set, and what: $2 $3 public, $4 $5 file_size_limit, $6 $7 allowed_mime_types.
update storage.buckets
set public = case when $2::boolean then $3::boolean else public end,
    file_size_limit = case when $4::boolean then $5::bigint else file_size_limit end,
    allowed_mime_types = case
        when not $6::boolean then allowed_mime_types
        when $7::jsonb is null then null
        else array(select jsonb_array_elements_text($7::jsonb))
    end
where id = $1

-- name: delete_bucket
delete from storage.buckets where id = $1

-- name: count_objects
-- $1 bucket, $2 count no further.
select count(*) from (select from storage.objects where bucket_id = $1 limit $2::bigint) as counted

-- name: delete_objects_before
-- $1 bucket, $2 instant, $3 how many at once.
delete from storage.objects
where id in (select id from storage.objects where bucket_id = $1 and created_at < $2::timestamptz limit $3::bigint)
returning name, version

-- name: now
select clock_timestamp()

-- name: find_object
-- $1 bucket, $2 key.
select json_build_object(
    'id', id, 'name', name, 'version', version, 'bucket_id', bucket_id, 'metadata', metadata,
    'user_metadata', user_metadata,
    'created_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'updated_at', to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'changed_at', extract(epoch from updated_at))
from storage.objects
where bucket_id = $1 and name = $2

-- name: find_object_for_update
select id, version, metadata, user_metadata
from storage.objects
where bucket_id = $1 and name = $2
for update

-- name: find_names
-- $1 bucket, $2 keys as a JSON array.
select name
from storage.objects
where bucket_id = $1 and name = any (array(select jsonb_array_elements_text($2::jsonb)))

-- name: insert_object
-- $1 bucket, $2 key, $3 version, $4 owner, $5 owner_id, $6 metadata, $7 user_metadata. Nothing is returned: an app
-- may let people drop files that they cannot see.
insert into storage.objects (bucket_id, name, version, owner, owner_id, metadata, user_metadata)
values ($1, $2, $3, $4::uuid, $5, $6::jsonb, $7::jsonb)

-- name: upsert_object
insert into storage.objects as present (bucket_id, name, version, owner, owner_id, metadata, user_metadata)
values ($1, $2, $3, $4::uuid, $5, $6::jsonb, $7::jsonb)
on conflict (bucket_id, name) do update
set version = excluded.version,
    owner = case when excluded.owner_id is null then present.owner else excluded.owner end,
    owner_id = coalesce(excluded.owner_id, present.owner_id),
    metadata = excluded.metadata,
    user_metadata = excluded.user_metadata
returning id

-- name: move_object
-- $1 bucket, $2 key, $3 new bucket, $4 new key, $5 version, $6 owner, $7 owner_id, $8 metadata or null to keep it.
update storage.objects
set bucket_id = $3, name = $4, version = $5, metadata = coalesce($8::jsonb, metadata),
    owner = case when $7::text is null then owner else $6::uuid end,
    owner_id = coalesce($7, owner_id)
where bucket_id = $1 and name = $2
returning id

-- name: get_object
select json_build_object(
    'id', id, 'name', name, 'bucket_id', bucket_id, 'owner', coalesce(owner::text, ''),
    'owner_id', coalesce(owner_id, ''), 'version', coalesce(version, ''), 'metadata', metadata,
    'user_metadata', user_metadata,
    'created_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'updated_at', to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'last_accessed_at', to_char(last_accessed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
from storage.objects
where bucket_id = $1 and name = $2

-- name: delete_objects
-- $1 bucket, $2 keys as a JSON array.
delete from storage.objects
where bucket_id = $1 and name = any (array(select jsonb_array_elements_text($2::jsonb)))
returning name, version, json_build_object(
    'id', id, 'name', name, 'bucket_id', bucket_id, 'owner', coalesce(owner::text, ''),
    'owner_id', coalesce(owner_id, ''), 'version', coalesce(version, ''), 'metadata', metadata,
    'user_metadata', user_metadata,
    'created_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'updated_at', to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'last_accessed_at', to_char(last_accessed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))

-- name: search
-- $1 prefix, $2 bucket, $3 limit, $4 levels, $5 offset, $6 search, $7 column, $8 order.
select coalesce(json_agg(json_build_object(
    'name', name, 'id', id,
    'updated_at', to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'created_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'last_accessed_at', to_char(last_accessed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'metadata', metadata) order by ordinality), '[]')
from storage.search($1, $2, $3::int, $4::int, $5::int, $6, $7, $8) with ordinality

-- name: search_folders
-- $1 prefix, $2 bucket, $3 limit, $4 levels, $5 start after, $6 order, $7 column, $8 the column's value to start after.
select coalesce(json_agg(json_build_object(
    'key', key, 'name', name, 'id', id,
    'updated_at', to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'created_at', to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'last_accessed_at', to_char(last_accessed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'metadata', metadata) order by ordinality), '[]')
from storage.search_v2($1, $2, $3::int, $4::int, $5, $6, $7, $8) with ordinality

-- name: refuse_hidden_rows
-- A row that a policy hides would look as if it were not there, and its file would be swept: make that an error.
select set_config('row_security', 'off', true)

-- name: all_versions
-- Page through every object; $1 $2 the last bucket and key of the page before, $3 page size.
select bucket_id, name, version
from storage.objects
where (bucket_id, name collate "C") > ($1, $2 collate "C")
order by bucket_id, name collate "C"
limit $3::bigint
