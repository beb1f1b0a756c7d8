-- As `ledger_rows`, of one tenant: its rows of one page of jobs in the window, and the missed ranges reaching into it.
select
    job_id::text, date_part('epoch', scheduled_at), execution_id, tenant_id::text, trigger_type, status,
    date_part('epoch', created_at), attempt, date_part('epoch', started_at), reason, blocked_by::text, error_type,
    date_part('epoch', retry_at), date_part('epoch', missed_until), missed_count
from (
    select *
    from job_executions
    -- All there are: naming them lets the index on status, tenant and instant be used.
    where status in ('pending', 'running', 'completed', 'failed', 'cancelled', 'skipped', 'missed')
      and tenant_id = $6
      and job_id > $1
      and job_id <= $2
      and scheduled_at >= $3
      and scheduled_at < $4
    union all
    select *
    from job_executions
    where status = 'missed'
      and tenant_id = $6
      and job_id > $1
      and job_id <= $2
      and scheduled_at < $3
      and missed_until >= $3
) as execution
where $5::uuid is null or execution.job_id = $5
order by execution.job_id, scheduled_at, id
