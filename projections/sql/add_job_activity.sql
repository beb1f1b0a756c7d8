-- Before the executions themselves are written: an execution counts when the first attempt of it becomes known.
update scheduled_jobs as job
set execution_count = job.execution_count + added.begun_count,
    last_execution_at = greatest(job.last_execution_at, added.last_execution_at)
from (
    select begun.job_id, count(*)::int as begun_count, max(begun.scheduled_at) as last_execution_at
    from unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) as begun (id, scheduled_at, job_id)
    where not exists (
        select from job_executions as known
        where known.id = begun.id
          and known.scheduled_at = begun.scheduled_at
          and known.attempt > 0
    )
    group by begun.job_id
) as added
where job.id = added.job_id
