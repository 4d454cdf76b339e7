select id::text as name, coalesce(public, false) as is_public,
       file_size_limit is not null as has_size_limit, allowed_mime_types is not null as has_types
  from storage.buckets order by id
