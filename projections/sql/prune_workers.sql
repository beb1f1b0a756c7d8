-- Workers not heard since $1, at most $2 of them; one that is being heard right now is left alone.
with silent as (
    select worker_id from workers where last_beat_at < $1::timestamptz limit $2::int for update skip locked
),
gone as (
    delete from workers where worker_id in (select worker_id from silent) returning 1
)
select count(*)::int from gone
