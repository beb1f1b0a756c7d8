insert into known_tenants as kept (tenant_id, version, is_suspended, changed_at, http_allowed)
values ($1, $2, $3, $4, $5)
on conflict (tenant_id) do update set
    version = excluded.version, is_suspended = excluded.is_suspended, changed_at = excluded.changed_at,
    http_allowed = excluded.http_allowed
where excluded.version > kept.version
