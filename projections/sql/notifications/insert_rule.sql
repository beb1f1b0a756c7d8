-- A new rule, unless the tenant has as many as it may, or there is one of this id.
insert into notifications.rules (
    id, tenant_id, name, kinds, job_ids, tags, group_s, throttle_count, throttle_s, late_s, enabled, channel, since,
    sealed_target, version, created_by, created_at, updated_at
)
select
    $1::uuid, $2::uuid, $3::text, $4::text[], $5::uuid[], $6::text[], $7::int, $8::int, $9::int, $10::int, $11::boolean,
    $12::text, $13::timestamptz, $14::text, $15::int, $16::text, $17::timestamptz, $18::timestamptz
where (select count(*) from notifications.rules where tenant_id = $2) < $19::int
on conflict (id) do nothing
returning id::text
