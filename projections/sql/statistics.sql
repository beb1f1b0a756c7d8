with chosen as (
    select status, duration_ms, error_type, retry_count
    from job_executions
    where tenant_id = $1::uuid
      and ($2::uuid is null or job_id = $2)
      and scheduled_at >= $3
      and scheduled_at < $4
      and (
          $5::text[] is null
          or exists (select from scheduled_jobs as job where job.id = job_executions.job_id and job.tags ?| $5)
      )
)
select
    count(*)::int as total,
    (
        select coalesce(jsonb_object_agg(status, number), '{}')
        from (select status, count(*) as number from chosen group by status) as counted
    ) as by_status,
    avg(duration_ms)::float8 as average_duration_ms,
    percentile_cont(0.5) within group (order by duration_ms)::float8 as p50_duration_ms,
    percentile_cont(0.95) within group (order by duration_ms)::float8 as p95_duration_ms,
    count(*) filter (where error_type = 'TIMEOUT')::int as timeout_count,
    count(*) filter (where retry_count > 0)::int as retried_count,
    (
        select coalesce(jsonb_object_agg(error_type, number), '{}')
        from (select error_type, count(*) as number from chosen where error_type is not null group by error_type) as failed
    ) as failures_by_type
from chosen
