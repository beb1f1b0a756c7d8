-- A new rule, unless the tenant has as many as it may.
insert into notifications.rules (
    id, tenant_id, name, kinds, job_ids, tags, group_s, throttle_count, throttle_s, late_s, enabled, channel, since,
    sealed_target, version, created_by, created_at, updated_at
)
select $1, $2, $3, $4, $5::uuid[], $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
where (select count(*) from notifications.rules where tenant_id = $2) < $19
returning id::text
