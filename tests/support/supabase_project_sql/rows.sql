set session_replication_role = replica;
insert into auth.users (id, instance_id, aud, role, email, encrypted_password, email_confirmed_at, created_at, updated_at,
  raw_app_meta_data, raw_user_meta_data, is_sso_user, is_anonymous)
select ('00000000-0000-4000-8000-' || lpad(g::text, 12, '0'))::uuid, '00000000-0000-0000-0000-000000000000', 'authenticated',
  'authenticated', 'user' || g || '@example.org',
  case g %% 10 when 9 then '{"key_id":"k","alg":"aes-gcm-hkdf","data":"x","nonce":"y"}' when 8 then '' else %(bcrypt)s end,
  now(), now(), now(), '{"provider":"email","providers":["email"]}', jsonb_build_object('name', 'User ' || g), false, false
  from generate_series(1, %(users)s) as g;
insert into auth.identities (id, user_id, provider_id, provider, identity_data, last_sign_in_at, created_at, updated_at)
select gen_random_uuid(), id, id::text, 'email', jsonb_build_object('sub', id, 'email', email), now(), now(), now() from auth.users;
insert into auth.sessions (id, user_id, created_at, updated_at, aal)
select ('10000000-0000-4000-8000-' || lpad(row_number() over ()::text, 12, '0'))::uuid, id, now(), now(), 'aal1' from auth.users;
insert into auth.refresh_tokens (instance_id, token, user_id, revoked, created_at, updated_at, session_id)
select '00000000-0000-0000-0000-000000000000', lpad(to_hex(row_number() over ()), 12, '0'), user_id::text, false, now(), now(), id
  from auth.sessions;
insert into public.profiles (id, name, avatar_url, tags, extra)
select id, raw_user_meta_data ->> 'name', 'OLD_URL/storage/v1/object/public/avatars/' || id || '.png',
  array['a,b', '"q"', E'\\'], jsonb_build_object('home', 'OLD_URL', 'n', 'x') from auth.users;
insert into public.projects (owner_id, title, budget, share, home)
select id, E'Project\t' || row_number() over () || E'\n\\', 12.50, 33.3, row('Main, "1"', null)::public.place from auth.users;
insert into public.tasks (project_id, body, due, effort, window_, blob, ratio, moods)
select 1 + g %% %(users)s, repeat('task é ' || g || E' \\N \\. ', 1 + g %% 7), date '2026-01-01' + g %% 400, g * interval '1 min',
  tstzrange('2026-01-01Z', case when g %% 5 = 0 then null else timestamptz '2026-02-01Z' end), decode(lpad(to_hex(g), 8, '0'), 'hex'),
  case g %% 4 when 0 then 'NaN' when 1 then '-0' when 2 then 'Infinity' else 0.1 + g end, array['sad', 'so ''happy''']::public.mood[]
  from generate_series(1, %(rows)s) as g;
update public.tasks set parent_id = 1 where id > 1 and id %% 3 = 0;
update public.projects set lead_task = 1 where id = 1;
insert into public.events select g, timestamptz '2025-12-30Z' + g * interval '1 hour', 'k' || g from generate_series(1, %(rows)s) as g;
insert into public.log_without_key (line) select 'same' from generate_series(1, 100);
insert into app."Odd ""name"" (1), $x" values (1, 'select', 'é'), (2, null, E'\t');
insert into public.secrets_of_staff values (1, 'x');
insert into public.log_without_key (line) select string_agg(md5(g::text), ' ') from generate_series(1, 100000) as g;
insert into storage.objects (bucket_id, name, owner, version, metadata)
select case g %% 2 when 0 then 'avatars' else 'papers' end, 'folder/file ' || g || '.txt',
  '00000000-0000-4000-8000-000000000001', 'v1', jsonb_build_object('size', length('content of ' || g), 'mimetype', 'text/plain')
  from generate_series(1, %(files)s) as g;
insert into storage.objects (bucket_id, name, metadata) values ('database_export_27_11_26', 'export.zip', '{}');
set session_replication_role = origin;
refresh materialized view public.task_counts;
select setval('public.tasks_id_seq', %(rows)s + 1000);
