-- Of these fires (id, instant, job), the ids of those without a row and without a missed range that covers them.
-- Each look-up stands by itself, with a limit: so the planner takes an index for each fire, never a whole month.
-- A range that covers an instant is among the newest scheduled rows of its job up to that instant.
select owed.id::text
from unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) as owed (id, at, job_id)
left join lateral (
    select true as found
    from job_executions as execution
    where execution.id = owed.id and execution.scheduled_at = owed.at
    limit 1
) as fired on true
left join lateral (
    select true as found
    from (
        select execution.status, execution.missed_until
        from job_executions as execution
        where fired.found is null
          and execution.job_id = owed.job_id
          and execution.trigger_type = 'scheduled'
          and execution.scheduled_at <= owed.at
        order by execution.scheduled_at desc
        limit 20
    ) as newest
    where newest.status = 'missed' and newest.missed_until >= owed.at
    limit 1
) as missed on true
where fired.found is null
  and missed.found is null
  and not exists (
    select from job_versions as version
    where version.job_id = owed.job_id
      and version.change = 'io.horolog.job.resumed.v1'
      and version.valid_from > $4
  )
