-- An id follows from what it tells: what is there already was told.
insert into deliveries (
    id, tenant_id, rule_id, rule_name, channel, job_id, kind, fact_count, dropped_count, document, made_at, state, due_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'waiting', $11)
on conflict (id) do nothing
