-- One that nobody created can be known, and be created later: it is then another's.
insert into tenants as stored (
    tenant_id, version, state, name, settings, own_settings, disabled_owners, created_by, created_at, updated_at
)
select *
from unnest(
    $1::uuid[], $2::int[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[], $7::jsonb[], $8::text[],
    $9::timestamptz[], $10::timestamptz[]
)
on conflict (tenant_id) do update set
    version = excluded.version,
    state = excluded.state,
    name = excluded.name,
    settings = excluded.settings,
    own_settings = excluded.own_settings,
    disabled_owners = excluded.disabled_owners,
    created_by = excluded.created_by,
    created_at = excluded.created_at,
    updated_at = excluded.updated_at
where excluded.version > stored.version
