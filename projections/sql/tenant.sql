-- One tenant, if anything was ever decided about it.
select
    tenant_id::text, version, state, settings, own_settings, disabled_owners, created_by, created_at, updated_at
from tenants
where tenant_id = $1::uuid
