-- Outcomes from before $1, at most $2 of them; what another projector is removing is left to it.
with old as (
    select command_id from command_outcomes where at < $1::timestamptz limit $2::int for update skip locked
),
gone as (
    delete from command_outcomes where command_id in (select command_id from old) returning 1
)
select count(*)::int from gone
