-- The versions of a job's schedule that owe instants in [$3, $4), oldest first; each ends where the next took effect.
-- A version that had ended before the window owes nothing in it, so only the others are looked into.
with schedule as (
    select distinct on (number)
        (job ->> 'scheduleVersion')::int as number,
        (job ->> 'effectiveFrom')::timestamptz as after,
        job ->> 'status' = 'active' and not (job ->> 'deleted')::boolean as owes,
        job -> 'definition' ->> 'cronExpression' as cron_expression,
        job -> 'definition' ->> 'timezone' as timezone,
        (job -> 'definition' ->> 'startDate')::timestamptz as start_date,
        (job -> 'definition' ->> 'endDate')::timestamptz as end_date
    from job_versions
    where job_id = $1 and tenant_id = $2 and (valid_to is null or valid_to >= $3)
    order by number, version
),
span as (
    select *, lead(after) over (order by number) as until from schedule
)
select cron_expression, timezone, start_date, end_date, after, until
from span
where owes and after < $4 and (until is null or until >= $3)
order by number
limit $5
