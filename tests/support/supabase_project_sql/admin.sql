create table if not exists supabase_migrations.schema_migrations (version text primary key, statements text[], name text);
insert into supabase_migrations.schema_migrations (version, name) values ('20260101000000', 'first'), ('20260201000000', 'second');
insert into storage.buckets (id, name, public) values ('avatars', 'avatars', true), ('papers', 'papers', false),
  ('database_export_27_11_26', 'database_export_27_11_26', false);
create policy "own papers" on storage.objects for select to authenticated using (bucket_id = 'papers' and (select auth.uid()) = owner);
create policy "avatars are public" on storage.objects for select using (bucket_id = 'avatars');
select vault.create_secret('a value that nobody may read', 'mail_key');
do $r$ begin if to_regrole('app_reporter') is null then create role app_reporter nologin; end if; end $r$;
grant select on public.tasks to app_reporter;
create function public.watch() returns event_trigger language plpgsql as 'begin end';
create event trigger app_watch on ddl_command_end execute function public.watch();
