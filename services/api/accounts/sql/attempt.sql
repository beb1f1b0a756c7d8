-- Counts an attempt, unless the wait after an earlier one goes on. $4: the waits in seconds, $5: what is older counts
-- no more, $6: the highest count.
insert into accounts.attempts as known (counted_by, subject, failure_count, last_at, blocked_until)
values ($1, $2, 1, $3, $3::timestamptz + make_interval(secs => ($4::float8[])[1]))
on conflict (counted_by, subject) do update set
    failure_count = case when known.last_at < $5 then 1 else least(known.failure_count + 1, $6::integer) end,
    last_at = $3,
    blocked_until = $3::timestamptz + make_interval(secs => ($4::float8[])[
        case when known.last_at < $5 then 1 else least(known.failure_count + 1, array_length($4::float8[], 1)) end
    ])
where known.blocked_until <= $3
returning failure_count
