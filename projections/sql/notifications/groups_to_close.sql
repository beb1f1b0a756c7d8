-- Of the partitions in $2, the groups whose time is over, longest first.
select rule_id::text, tenant_id::text, subject, closes_at, counts, first_at, last
from rule_groups
where closes_at <= $1 and home = any ($2::int[])
order by closes_at
limit $3
