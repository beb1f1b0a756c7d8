select status, count(*)::int as count
from scheduled_jobs
where deleted_at is null
  and ($1::uuid is null or tenant_id = $1)
group by status
