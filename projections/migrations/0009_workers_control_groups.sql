-- What control groups bound for each attempt of a worker: ["memory", "processes", "cpu"].
alter table workers add column control_groups jsonb not null default '[]';
