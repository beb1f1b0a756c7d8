-- The rules of tenants, which nobody deletes before this transaction ends.
select
    id::text, tenant_id::text, name, kinds, job_ids::text[] as job_ids, tags, group_s, throttle_count, throttle_s, late_s,
    enabled, channel, since
from rules
where tenant_id = any ($1::uuid[])
order by created_at, id
for key share
