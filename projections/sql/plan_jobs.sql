-- Never over a later version of the job.
update scheduled_jobs as job
set next_execution_at = planned.next_execution_at
from unnest($1::uuid[], $2::int[], $3::timestamptz[]) as planned (id, version, next_execution_at)
where job.id = planned.id
  and job.version = planned.version
