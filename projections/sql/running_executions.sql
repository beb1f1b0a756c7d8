select execution_id
from job_executions
where tenant_id = $1::uuid
  and job_id = $2::uuid
  and status in ('pending', 'running')
order by scheduled_at
limit $3::int
