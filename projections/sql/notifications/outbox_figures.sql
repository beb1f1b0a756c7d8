select
    count(*)::int as waiting,
    coalesce(extract(epoch from $1::timestamptz - min(due_at) filter (where due_at <= $1)), 0)::float8 as behind_s
from deliveries
where state = 'waiting'
