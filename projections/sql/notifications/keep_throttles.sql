insert into rule_throttles (rule_id, tenant_id, since, made_count, dropped_count)
values ($1, $2, $3, $4, $5)
on conflict (rule_id) do update set
    since = excluded.since, made_count = excluded.made_count, dropped_count = excluded.dropped_count
