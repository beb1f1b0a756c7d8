-- The windows of a tenant, oldest first; one that lies in the range with its beginning.
select
    window_start, window_seconds, admitted, started, completed, failed, cancelled, skipped, missed, retried,
    late_count, late_sum_ms, late_max_ms
from tenant_windows
where tenant_id = $1::uuid
  and window_start >= $2
  and window_start < $3
order by window_start
limit $4::int
