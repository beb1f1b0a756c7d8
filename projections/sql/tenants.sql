-- One page of all tenants, newest first.
select
    tenant_id::text, version, state, settings, own_settings, disabled_owners, created_by, created_at, updated_at
from tenants
where $1::timestamptz is null or (created_at, tenant_id) < ($1, $2::uuid)
order by created_at desc, tenant_id desc
limit $3
