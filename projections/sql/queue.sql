select
    count(*) filter (where status = 'pending' and retry_at is null)::int as pending_count,
    count(*) filter (where status = 'running')::int as running_count,
    count(*) filter (where status = 'pending' and retry_at is not null)::int as delayed_count,
    min(scheduled_at) filter (where status = 'pending') as oldest_pending_at
from job_executions
where status in ('pending', 'running')
  and ($1::uuid is null or tenant_id = $1)
