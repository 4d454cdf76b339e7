-- What policies ask about a path, and how folders are listed. Names compare bytewise, as object stores do.

set local role supabase_storage_admin;

create function storage.foldername(name text) returns text[] language sql immutable as $$
  select (string_to_array(name, '/'))[1 : array_length(string_to_array(name, '/'), 1) - 1]
$$;

create function storage.filename(name text) returns text language sql immutable as $$
  select (string_to_array(name, '/'))[array_length(string_to_array(name, '/'), 1)]
$$;

create function storage.extension(name text) returns text language sql immutable as $$
  select reverse(split_part(reverse(storage.filename(name)), '.', 1))
$$;

create function storage.operation() returns text language sql stable as $$
  select current_setting('storage.operation', true)
$$;

create function storage.allow_any_operation(expected_operations text[]) returns boolean language sql stable as $$
  select exists (
    select from unnest(expected_operations) as expected (operation)
     where expected.operation <> ''
       and regexp_replace(expected.operation, '^storage\.', '') = regexp_replace(storage.operation(), '^storage\.', '')
  )
$$;

create function storage.allow_only_operation(expected_operation text) returns boolean language sql stable as $$
  select storage.allow_any_operation(array[expected_operation])
$$;

create function storage.get_size_by_bucket() returns table (size bigint, bucket_id text) language sql stable as $$
  select sum((o.metadata ->> 'size')::bigint)::bigint, o.bucket_id from storage.objects as o group by o.bucket_id
$$;

-- Asks whether the caller may insert: the insert is always undone, PT200 says that it would have worked.
create function storage.can_insert_object(bucketid text, name text, owner uuid, metadata jsonb) returns void
language plpgsql as $$
begin
  insert into storage.objects (bucket_id, name, owner, metadata) values (bucketid, name, owner, metadata);
  raise sqlstate 'PT200' using message = 'ROLLBACK', detail = 'rollback successful insert';
end
$$;

create function storage.get_common_prefix(p_key text, p_prefix text, p_delimiter text) returns text
language sql immutable as $$
  select case when position(p_delimiter in substring(p_key from length(p_prefix) + 1)) > 0
              then left(p_key, length(p_prefix) + position(p_delimiter in substring(p_key from length(p_prefix) + 1)))
         end
$$;

-- One level of a bucket in order of names; folders have no id and stand where their first object would. After a
-- folder the scan jumps over everything below it, so a page costs as many index look-ups as it has folders.
create function storage.list_objects_with_delimiter(
  _bucket_id text, prefix_param text, delimiter_param text, max_keys integer default 100,
  start_after text default '', next_token text default '', sort_order text default 'asc'
) returns table (
  name text, id uuid, metadata jsonb, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz
)
language plpgsql stable as $$
declare
  ascending constant boolean := lower(coalesce(sort_order, 'asc')) <> 'desc';
  prefix constant text := coalesce(prefix_param, '');
  beyond constant text := prefix || chr(1114111);
  below_folder constant text := chr(ascii(delimiter_param) + 1);
  start constant text := coalesce(nullif(next_token, ''), nullif(start_after, ''));
  seek text := case when ascending then prefix else beyond end;
  emitted integer := 0;
  jumped boolean := true;
  folder text;
  found_row record;
begin
  if start is not null then
    if exists (
      select from storage.objects as o
       where o.bucket_id = _bucket_id and starts_with(o.name, start || delimiter_param)
         and o.name collate "C" >= start || delimiter_param and o.name collate "C" < start || below_folder
    ) then
      seek := start || case when ascending then below_folder else delimiter_param end;
    else
      seek := start || case when ascending then chr(1) else '' end;
    end if;
  end if;
  while jumped and emitted < max_keys loop
    jumped := false;
    for found_row in execute format(
      'select o.name, o.id, o.metadata, o.updated_at, o.created_at, o.last_accessed_at from storage.objects as o
        where o.bucket_id = $1 and starts_with(o.name, $2)
          and o.name collate "C" >= $3 and o.name collate "C" < $4 order by o.name collate "C" %s limit $5',
      case when ascending then 'asc' else 'desc' end)
      using _bucket_id, prefix, case when ascending then greatest(seek collate "C", prefix collate "C") else prefix end,
            case when ascending then beyond else least(seek collate "C", beyond collate "C") end, max_keys - emitted
    loop
      folder := storage.get_common_prefix(found_row.name, prefix, delimiter_param);
      emitted := emitted + 1;
      if folder is not null then
        name := rtrim(folder, delimiter_param);
        id := null; metadata := null; updated_at := null; created_at := null; last_accessed_at := null;
        seek := case when ascending then left(folder, -1) || below_folder else folder end;
        return next;
        jumped := true;
        exit;
      end if;
      name := found_row.name; id := found_row.id; metadata := found_row.metadata;
      updated_at := found_row.updated_at; created_at := found_row.created_at;
      last_accessed_at := found_row.last_accessed_at;
      return next;
    end loop;
  end loop;
end
$$;

-- One level of a bucket in order of time. A folder is as old as its oldest object.
create function storage.search_by_timestamp(
  p_prefix text, p_bucket_id text, p_limit integer, p_level integer, p_start_after text,
  p_sort_order text, p_sort_column text, p_sort_column_after text
) returns table (
  key text, name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz,
  metadata jsonb
)
language plpgsql stable as $$
begin
  if p_sort_column not in ('updated_at', 'created_at') or p_sort_order not in ('asc', 'desc') then
    raise exception 'cannot sort by % %', p_sort_column, p_sort_order using errcode = '22023';
  end if;
  return query execute format($query$
    with entries as (
      select o.name as entry, o.id, o.updated_at, o.created_at, o.last_accessed_at, o.metadata
        from storage.objects as o
       where o.bucket_id = $2 and starts_with(o.name, $1) and storage.get_common_prefix(o.name, $1, '/') is null
       union all
      select rtrim(storage.get_common_prefix(o.name, $1, '/'), '/'), null, min(o.created_at), min(o.created_at),
             null, null
        from storage.objects as o
       where o.bucket_id = $2 and starts_with(o.name, $1) and storage.get_common_prefix(o.name, $1, '/') is not null
       group by 1
    )
    select split_part(e.entry, '/', $3), e.entry, e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata
      from entries as e
     where $5 = ''
        or (coalesce(date_trunc('milliseconds', e.%1$I), 'epoch'), e.entry collate "C")
           %2$s (coalesce(date_trunc('milliseconds', nullif($6, '')::timestamptz), 'epoch'), $5)
     order by coalesce(date_trunc('milliseconds', e.%1$I), 'epoch') %3$s, e.entry collate "C" %3$s
     limit $4
    $query$, p_sort_column, case p_sort_order when 'asc' then '>' else '<' end, p_sort_order)
    using coalesce(p_prefix, ''), p_bucket_id, p_level, p_limit, coalesce(p_start_after, ''),
          coalesce(p_sort_column_after, '');
end
$$;

create function storage.search_v2(
  prefix text, bucket_name text, limits integer default 100, levels integer default 1, start_after text default '',
  sort_order text default 'asc', sort_column text default 'name', sort_column_after text default ''
) returns table (
  key text, name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz,
  metadata jsonb
)
language plpgsql stable as $$
declare
  page constant integer := least(coalesce(limits, 100), 1500);
  direction constant text := case lower(sort_order) when 'desc' then 'desc' else 'asc' end;
begin
  if lower(sort_column) in ('updated_at', 'created_at') then
    return query select * from storage.search_by_timestamp(
      prefix, bucket_name, page, levels, start_after, direction, lower(sort_column), sort_column_after);
  else
    return query
      select split_part(l.name, '/', levels), l.name, l.id, l.updated_at, l.created_at, l.last_accessed_at, l.metadata
        from storage.list_objects_with_delimiter(bucket_name, prefix, '/', page, start_after, '', direction) as l;
  end if;
end
$$;

-- The older listing, by page number: case-insensitive, names relative to `prefix`. Sorted by time, folders come first.
create function storage.search(
  prefix text, bucketname text, limits integer default 100, levels integer default 1, offsets integer default 0,
  search text default '', sortcolumn text default 'name', sortorder text default 'asc'
) returns table (
  name text, id uuid, updated_at timestamptz, created_at timestamptz, last_accessed_at timestamptz, metadata jsonb
)
language plpgsql stable as $$
declare
  wanted constant text := lower(coalesce(prefix, '') || coalesce(search, ''));
  direction constant text := case lower(sortorder) when 'desc' then 'desc' else 'asc' end;
  by_time constant text := case when lower(sortcolumn) in ('updated_at', 'created_at', 'last_accessed_at')
                                then lower(sortcolumn) end;
begin
  return query execute format($query$
    with hits as (
      select o.*, storage.get_common_prefix(o.name, $1, '/') as folder
        from storage.objects as o
       where o.bucket_id = $2 and starts_with(lower(o.name), $1)
         and lower(o.name) collate "C" >= $1 and lower(o.name) collate "C" < $1 || chr(1114111)
    ), entries as (
      select h.name as entry, h.id, h.updated_at, h.created_at, h.last_accessed_at, h.metadata
        from hits as h where h.folder is null
       union all
      select distinct on (lower(rtrim(h.folder, '/'))) rtrim(h.folder, '/'), null::uuid, null::timestamptz,
             null::timestamptz, null::timestamptz, null::jsonb
        from hits as h where h.folder is not null
    )
    select substring(e.entry from $3), e.id, e.updated_at, e.created_at, e.last_accessed_at, e.metadata
      from entries as e
     order by %s lower(e.entry) collate "C" %s
     limit $4 offset $5
    $query$, case when by_time is not null then format('e.id is not null, e.%I %s,', by_time, direction) else '' end,
    direction)
    using wanted, bucketname, length(coalesce(prefix, '')) + 1, least(coalesce(limits, 100), 1500),
          coalesce(offsets, 0);
end
$$;

create function storage.list_multipart_uploads_with_delimiter(
  bucket_id text, prefix_param text, delimiter_param text, max_keys integer default 100,
  next_key_token text default '', next_upload_token text default ''
) returns table (key text, id text, created_at timestamptz)
language sql stable as $$
  select distinct on (entry collate "C") entry, found.id, found.created_at
    from (
      select coalesce(storage.get_common_prefix(u.key, $2, $3), u.key) as entry, u.id, u.created_at
        from storage.s3_multipart_uploads as u
       where u.bucket_id = $1 and starts_with(u.key, $2)
    ) as found
   where (next_key_token = '' or next_upload_token <> '' or entry collate "C" > next_key_token)
     and (next_upload_token = '' or found.id collate "C" > next_upload_token)
   order by entry collate "C", found.created_at
   limit max_keys
$$;

grant execute on all functions in schema storage to :"owner", anon, authenticated, service_role;

reset role;
