-- A late report that stands outside the sequence (0) adds to a row that is there, and never makes one: what it is late
-- for has ended, and how is not in it.
insert into job_executions as stored (
    id, scheduled_at, tenant_id, job_id, created_at, seq, carried, status, trigger_type, triggered_by, job_version,
    attempt, worker_id, started_at, completed_at, duration_ms, progress, reason, blocked_by, result, metadata,
    error_type, error_code, error_message, error_stack, retry_at, memory_peak_mb, cpu_time_ms, missed_until,
    missed_count, late_count, cancelled_by
)
select *
from unnest(
    $1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::int[], $7::smallint[], $8::text[],
    $9::text[], $10::text[], $11::int[], $12::int[], $13::text[], $14::timestamptz[], $15::timestamptz[],
    $16::bigint[], $17::smallint[], $18::text[], $19::uuid[], $20::jsonb[], $21::jsonb[], $22::text[], $23::text[],
    $24::text[], $25::text[], $26::timestamptz[], $27::int[], $28::int[], $29::timestamptz[], $30::int[],
    $31::int[], $32::text[]
) as patch (id, scheduled_at, tenant_id, job_id, created_at, seq)
where patch.seq > 0
   or exists (
    select from job_executions as known where known.id = patch.id and known.scheduled_at = patch.scheduled_at
)
on conflict (id, scheduled_at) do update set
    seq = greatest(stored.seq, excluded.seq),
    -- The union, so that the row does not tell where one batch ended and the next began.
    carried = stored.carried | excluded.carried,
    attempt = greatest(stored.attempt, excluded.attempt),
    worker_id = coalesce(excluded.worker_id, stored.worker_id),
    started_at = coalesce(excluded.started_at, stored.started_at),
    late_count = stored.late_count + excluded.late_count,
    progress = case when excluded.carried & 2 = 2 then excluded.progress else stored.progress end,
    status = case when excluded.carried & 1 = 1 then excluded.status else stored.status end,
    completed_at = case when excluded.carried & 1 = 1 then excluded.completed_at else stored.completed_at end,
    duration_ms = case when excluded.carried & 1 = 1 then excluded.duration_ms else stored.duration_ms end,
    blocked_by = case when excluded.carried & 1 = 1 then excluded.blocked_by else stored.blocked_by end,
    reason = case when excluded.carried & 1 = 1 then excluded.reason else stored.reason end,
    result = case when excluded.carried & 1 = 1 then excluded.result else stored.result end,
    metadata = case when excluded.carried & 1 = 1 then excluded.metadata else stored.metadata end,
    error_type = case when excluded.carried & 1 = 1 then excluded.error_type else stored.error_type end,
    error_code = case when excluded.carried & 1 = 1 then excluded.error_code else stored.error_code end,
    error_message = case when excluded.carried & 1 = 1 then excluded.error_message else stored.error_message end,
    error_stack = case when excluded.carried & 1 = 1 then excluded.error_stack else stored.error_stack end,
    retry_at = case when excluded.carried & 1 = 1 then excluded.retry_at else stored.retry_at end,
    memory_peak_mb = case when excluded.carried & 1 = 1 then excluded.memory_peak_mb else stored.memory_peak_mb end,
    cpu_time_ms = case when excluded.carried & 1 = 1 then excluded.cpu_time_ms else stored.cpu_time_ms end,
    cancelled_by = case when excluded.carried & 1 = 1 then excluded.cancelled_by else stored.cancelled_by end
-- A row stays its tenant's, whoever speaks of its id.
where stored.tenant_id = excluded.tenant_id
  and (excluded.seq > stored.seq or excluded.seq = 0)
