insert into notifications.deliveries (
    id, tenant_id, rule_id, rule_name, channel, kind, fact_count, dropped_count, document, made_at, state, due_at
)
values ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8, 'waiting', $8)
returning id::text
