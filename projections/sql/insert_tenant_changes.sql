insert into tenant_changes (tenant_id, version, at, action, actor, reason, command_id, before, after)
select *
from unnest(
    $1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::jsonb[], $9::jsonb[]
)
on conflict (tenant_id, version) do nothing
