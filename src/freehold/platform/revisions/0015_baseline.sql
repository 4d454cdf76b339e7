-- What a schema was when Freehold took it over: number 0 is where the app's own migrations go on from.

create table freehold.baselines (
  number integer not null constraint baselines_pkey primary key,
  source text not null check (source in ('replay', 'live')),
  fingerprint text not null,
  catalogue text not null,
  unknowns jsonb not null default '[]',
  recorded_at timestamptz not null default now()
);

alter table freehold.migration_statements
  add column cause text not null default '',
  add column attempts integer not null default 1;
