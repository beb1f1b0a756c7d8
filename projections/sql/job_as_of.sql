-- The version in force at $3, with what the ledger had of the job by then: all that has begun, less what began later.
with version as (
    select job_id, tenant_id, version, job
    from job_versions
    where job_id = $1 and tenant_id = $2 and valid_from <= $3
    order by version desc
    limit 1
)
select
    version.job_id::text as id,
    version.tenant_id::text as tenant_id,
    version.job -> 'definition' ->> 'name' as name,
    version.job ->> 'status' as status,
    version.version,
    (version.job ->> 'scheduleVersion')::int as schedule_version,
    version.job -> 'definition' as definition,
    greatest(present.execution_count - later.begun_count, 0) as execution_count,
    version.job ->> 'createdBy' as created_by,
    (version.job ->> 'createdAt')::timestamptz as created_at,
    (version.job ->> 'updatedAt')::timestamptz as updated_at,
    earlier.scheduled_at as last_execution_at,
    (version.job ->> 'effectiveFrom')::timestamptz as effective_from
from version
join scheduled_jobs as present on present.id = version.job_id
cross join lateral (
    select count(*)::int as begun_count
    from job_executions as execution
    where execution.job_id = version.job_id and execution.scheduled_at > $3 and execution.attempt > 0
) as later
left join lateral (
    select execution.scheduled_at
    from job_executions as execution
    where execution.job_id = version.job_id and execution.scheduled_at <= $3 and execution.attempt > 0
    order by execution.scheduled_at desc
    limit 1
) as earlier on true
where not (version.job ->> 'deleted')::boolean
