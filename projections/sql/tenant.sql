-- One tenant, if somebody created it.
select tenant_id::text, version, state, settings, created_by, created_at, updated_at
from tenants
where tenant_id = $1::uuid
