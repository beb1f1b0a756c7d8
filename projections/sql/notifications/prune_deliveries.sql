with old as (
    select id from deliveries where state <> 'waiting' and ended_at < $1 limit $2
),
gone as (
    delete from deliveries using old where deliveries.id = old.id returning 1
)
select count(*)::int from gone
