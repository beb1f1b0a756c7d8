-- The rule as it is to be from now on, if it is still at version $14 - 1.
update notifications.rules set
    name = $3, kinds = $4, job_ids = $5::uuid[], tags = $6, group_s = $7, throttle_count = $8, throttle_s = $9, 
    late_s = $10,
    enabled = $11, channel = $12, sealed_target = $13, version = $14::int, since = $15, updated_at = $16
where tenant_id = $2 and id = $1 and version = $14 - 1
returning id::text
