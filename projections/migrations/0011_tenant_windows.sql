-- Figures of each tenant by the minute, as the topic `analytics.v1` tells them; empty where no analytics worker runs.
create table tenant_windows (
    tenant_id uuid not null,
    window_start timestamptz not null,
    window_seconds int not null,
    -- The offset of the last record that was counted: of two tellings the one that has counted further is newer.
    through bigint not null,
    admitted bigint not null,
    started bigint not null,
    completed bigint not null,
    failed bigint not null,
    cancelled bigint not null,
    skipped bigint not null,
    missed bigint not null,
    retried bigint not null,
    late_count bigint not null,
    late_sum_ms bigint not null,
    late_max_ms bigint not null,
    primary key (tenant_id, window_start)
);
create index tenant_windows_by_time on tenant_windows (window_start);

-- Walls as in 0006.
alter table tenant_windows enable row level security, force row level security;
create policy owner_writes on tenant_windows to current_user using (true) with check (true);
create policy tenant_reads on tenant_windows for select to horolog_api
    using (tenant_id = (select current_setting('horolog.tenant')::uuid));
create policy platform_reads on tenant_windows for select to horolog_platform using (true);
grant select on tenant_windows to horolog_api, horolog_platform;
