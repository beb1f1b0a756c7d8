-- One page of a tenant's deliveries, newest first; or ($9) one of them.
select
    id::text, tenant_id::text, rule_id::text, rule_name, channel, job_id::text, kind, fact_count, dropped_count, made_at,
    state, due_at, attempt, attempted_at, duration_ms, status_code, failure, ended_at
from notifications.deliveries
where tenant_id = $1::uuid
  and ($2::timestamptz is null or (made_at, id) < ($2, $3::uuid))
  and ($4::uuid is null or rule_id = $4)
  and ($5::uuid is null or job_id = $5)
  and ($6::text is null or state = $6)
  and ($7::timestamptz is null or made_at >= $7)
  and ($8::timestamptz is null or made_at < $8)
  and ($9::uuid is null or id = $9)
order by made_at desc, id desc
limit $10
