insert into known_jobs as kept (job_id, tenant_id, name, tags, version, is_failing)
values ($1, $2, $3, $4, $5, $6)
on conflict (job_id) do update set
    name = excluded.name, tags = excluded.tags, version = excluded.version, is_failing = excluded.is_failing
where kept.tenant_id = excluded.tenant_id
