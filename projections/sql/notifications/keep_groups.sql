insert into rule_groups (rule_id, subject, tenant_id, home, closes_at, counts, first_at, last)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (rule_id, subject) do update set
    closes_at = excluded.closes_at, counts = excluded.counts, first_at = excluded.first_at, last = excluded.last
