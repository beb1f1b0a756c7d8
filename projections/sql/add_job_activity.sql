update scheduled_jobs as job
set execution_count = job.execution_count + added.admitted_count,
    last_execution_at = greatest(job.last_execution_at, added.last_execution_at)
from unnest($1::uuid[], $2::int[], $3::timestamptz[]) as added (job_id, admitted_count, last_execution_at)
where job.id = added.job_id
