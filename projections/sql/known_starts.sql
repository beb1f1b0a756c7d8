-- Of each wanted execution: whether the row knows of a start, and its job's type.
select
    wanted.id::text as id,
    coalesce(execution.attempt > 0 and execution.started_at is not null, false) as started,
    job.job_type
from unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) as wanted (id, scheduled_at, job_id)
left join job_executions as execution on execution.id = wanted.id and execution.scheduled_at = wanted.scheduled_at
left join scheduled_jobs as job on job.id = wanted.job_id
