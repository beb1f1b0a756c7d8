-- What control groups bound for each attempt of a worker: ["memory", "processes", "cpu"]; and the names of the registered
-- functions that it runs, null where it runs everything else.
alter table workers
    add column control_groups jsonb not null default '[]',
    add column functions jsonb;
