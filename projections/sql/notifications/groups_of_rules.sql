select rule_id::text, tenant_id::text, subject, closes_at, counts, first_at, last
from rule_groups
where rule_id = any ($1::uuid[]) and subject = any ($2::text[])
