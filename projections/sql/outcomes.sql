-- An outcome is visible once the rows that it speaks of have been applied, which travel on other topics.
select
    outcome.command_id::text, outcome.tenant_id::text, outcome.accepted, outcome.request_hash, outcome.effective_at,
    outcome.job_id::text, outcome.job_version, outcome.execution_id::text, outcome.code, outcome.message,
    outcome.details, outcome.tenant_version,
    (outcome.job_version is null or coalesce(job.version >= outcome.job_version, false))
    and (
        outcome.execution_id is null
        or exists (
            select from job_executions as execution
            where execution.id = outcome.execution_id and execution.seq >= coalesce(outcome.execution_seq, 1)
        )
    )
    and (outcome.tenant_version is null or coalesce(tenant.version >= outcome.tenant_version, false)) as visible
from command_outcomes as outcome
left join scheduled_jobs as job on job.id = outcome.job_id
left join tenants as tenant on tenant.tenant_id = outcome.tenant_id and outcome.tenant_version is not null
where outcome.command_id = any ($1::uuid[])
