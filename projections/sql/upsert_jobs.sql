-- Executions are read from another topic, so some may have been applied before their job: a job that appears counts
-- those first, by the rule of `add_job_activity`. From then on that counts.
insert into scheduled_jobs as stored (
    id, tenant_id, next_execution_at, version, schedule_version, effective_from, created_at, updated_at, deleted_at,
    status, name, description, cron_expression, timezone, job_type, config, retry_config, timeout_seconds,
    max_concurrent, priority, start_date, end_date, max_executions, created_by, tags, definition,
    execution_count, last_execution_at
)
select job.*, coalesce(earlier.begun_count, 0), earlier.last_execution_at
from unnest(
    $1::uuid[], $2::uuid[], $3::timestamptz[], $4::int[], $5::int[], $6::timestamptz[], $7::timestamptz[],
    $8::timestamptz[], $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
    $15::text[], $16::jsonb[], $17::jsonb[], $18::int[], $19::int[], $20::int[], $21::timestamptz[],
    $22::timestamptz[], $23::int[], $24::text[], $25::jsonb[], $26::jsonb[]
) as job (
    id, tenant_id, next_execution_at, version, schedule_version, effective_from, created_at, updated_at, deleted_at,
    status, name, description, cron_expression, timezone, job_type, config, retry_config, timeout_seconds,
    max_concurrent, priority, start_date, end_date, max_executions, created_by, tags, definition
)
left join lateral (
    select count(*)::int as begun_count, max(execution.scheduled_at) as last_execution_at
    from job_executions as execution
    where execution.job_id = job.id
      and execution.attempt > 0
      and not exists (select from scheduled_jobs as known where known.id = job.id)
) as earlier on true
on conflict (id) do update set
    next_execution_at = excluded.next_execution_at,
    version = excluded.version,
    schedule_version = excluded.schedule_version,
    effective_from = excluded.effective_from,
    updated_at = excluded.updated_at,
    deleted_at = excluded.deleted_at,
    status = excluded.status,
    name = excluded.name,
    description = excluded.description,
    cron_expression = excluded.cron_expression,
    timezone = excluded.timezone,
    job_type = excluded.job_type,
    config = excluded.config,
    retry_config = excluded.retry_config,
    timeout_seconds = excluded.timeout_seconds,
    max_concurrent = excluded.max_concurrent,
    priority = excluded.priority,
    start_date = excluded.start_date,
    end_date = excluded.end_date,
    max_executions = excluded.max_executions,
    tags = excluded.tags,
    definition = excluded.definition
where stored.tenant_id = excluded.tenant_id
  and excluded.version > stored.version
