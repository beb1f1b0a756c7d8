-- One page of a tenant's rules, newest first; or ($4) one of them.
select
    id::text, tenant_id::text, name, kinds, job_ids::text[] as job_ids, tags, group_s, throttle_count, throttle_s, late_s,
    enabled, channel, since, sealed_target, version, created_by, created_at, updated_at
from notifications.rules
where tenant_id = $1::uuid
  and ($2::timestamptz is null or (created_at, id) < ($2, $3::uuid))
  and ($4::uuid is null or id = $4)
order by created_at desc, id desc
limit $5
