insert into tenants as stored (tenant_id, version, state, name, settings, created_by, created_at, updated_at)
select *
from unnest(
    $1::uuid[], $2::int[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::timestamptz[], $8::timestamptz[]
)
on conflict (tenant_id) do update set
    version = excluded.version,
    state = excluded.state,
    name = excluded.name,
    settings = excluded.settings,
    updated_at = excluded.updated_at
where excluded.version > stored.version
