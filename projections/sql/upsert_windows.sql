-- A window that is told once more is whole; whoever has counted further knows more.
insert into tenant_windows as stored (
    tenant_id, window_start, window_seconds, through, admitted, started, completed, failed, cancelled, skipped, missed,
    retried, late_count, late_sum_ms, late_max_ms
)
select *
from unnest(
    $1::uuid[], $2::timestamptz[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[]
)
on conflict (tenant_id, window_start) do update set
    window_seconds = excluded.window_seconds,
    through = excluded.through,
    admitted = excluded.admitted,
    started = excluded.started,
    completed = excluded.completed,
    failed = excluded.failed,
    cancelled = excluded.cancelled,
    skipped = excluded.skipped,
    missed = excluded.missed,
    retried = excluded.retried,
    late_count = excluded.late_count,
    late_sum_ms = excluded.late_sum_ms,
    late_max_ms = excluded.late_max_ms
where excluded.through > stored.through
