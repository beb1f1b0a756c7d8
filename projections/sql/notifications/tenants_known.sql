select tenant_id::text, version, is_suspended, changed_at, http_allowed
from known_tenants
where tenant_id = any ($1::uuid[])
