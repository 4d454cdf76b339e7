-- Which releases can still work with the schema: what each of the app's migrations takes away from older ones, and who
-- accepted that. A release that was made after the migration is not concerned.

create table freehold.migration_windows (
  path text not null constraint migration_windows_pkey primary key
    constraint migration_windows_path_fkey references freehold.migration_files (path) on delete cascade,
  closings jsonb not null default '[]',
  accepted_by text not null default '',
  judged_at timestamptz not null default now()
);
comment on column freehold.migration_windows.closings is 'objects of {"object", "reason", "line"}; [] keeps the window open';
