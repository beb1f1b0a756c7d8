select rule_id::text, since, made_count, dropped_count
from rule_throttles
where rule_id = any ($1::uuid[])
