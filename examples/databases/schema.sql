-- A row for each visit.
create table if not exists visits (
    id bigserial primary key,
    agent text not null,
    at timestamptz not null default now()
);
