-- One page of all active jobs, in the order of ids: what their schedules say.
select
    id::text as job_id, tenant_id::text, effective_from, cron_expression, timezone, start_date, end_date
from scheduled_jobs
where id > $1
  and status = 'active'
  and deleted_at is null
order by id
limit $2
