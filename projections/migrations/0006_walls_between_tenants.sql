-- Row security: each tenant's rows are seen by transactions that name the tenant, and by nobody else but these:
-- whoever migrates owns the tables and writes them (so do the projectors, as the same login or as members of it), and
-- `horolog_platform` reads for the scheduler itself. The roles are made by `projections/roles.py` beforehand.
--
-- There is no default for the setting: where it is missing, the policy is an error and not an empty answer.
do $$
declare
    held text;
begin
    foreach held in array array[
        'scheduled_jobs', 'job_versions', 'audit_events', 'job_executions', 'command_outcomes', 'tenants', 'tenant_changes'
    ]
    loop
        execute format('alter table %I enable row level security, force row level security', held);
        execute format('create policy owner_writes on %I to current_user using (true) with check (true)', held);
        execute format(
            'create policy tenant_reads on %I for select to horolog_api '
            'using (tenant_id = (select current_setting(''horolog.tenant'')::uuid))', held
        );
        execute format('create policy platform_reads on %I for select to horolog_platform using (true)', held);
        execute format('grant select on %I to horolog_api, horolog_platform', held);
    end loop;
    -- A partition is asked through its parent, whose policies count. By itself it is its owner's alone.
    for held in select relid::regclass::text from pg_partition_tree('job_executions') where isleaf loop
        execute format('alter table %s enable row level security', held);
    end loop;
    if not has_schema_privilege('horolog_api', current_schema(), 'usage') then
        execute format('grant usage on schema %I to horolog_api', current_schema());
    end if;
    if not has_schema_privilege('horolog_platform', current_schema(), 'usage') then
        execute format('grant usage on schema %I to horolog_platform', current_schema());
    end if;
end $$;

-- These have no rows of tenants. A tenant's proof of the ledger looks up the time zone data of its partition.
grant select on workers, partition_owners, projection_offsets to horolog_platform;
grant select (role, partition, zone_data) on partition_owners to horolog_api;
grant select (partition) on projection_offsets to horolog_api;
alter view scheduler_locks set (security_invoker = true);
