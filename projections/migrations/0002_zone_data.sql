-- By which releases of the time zone data the ticker computed a partition's instants: [{version, after}], oldest first.
alter table partition_owners add column zone_data jsonb not null default '[]';

-- The release that `scheduled_jobs.next_execution_at` was last computed anew by, for all jobs; one row at most.
create table planned_zone_data (
    only_row boolean primary key default true check (only_row),
    version text not null
);
