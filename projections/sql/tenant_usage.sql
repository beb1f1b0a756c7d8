-- Executions of a tenant by the UTC day of their instants: how many ended how, and how long they ran.
select
    (scheduled_at at time zone 'UTC')::date as day,
    status,
    sum(coalesce(missed_count, 1))::bigint as count,
    coalesce(sum(duration_ms), 0)::bigint as duration_ms
from job_executions
where tenant_id = $1::uuid
  and scheduled_at >= $2
  and scheduled_at < $3
group by 1, 2
order by 1, 2
