-- Windows from before $1, at most $2 of them; what another projector is removing is left to it.
with old as (
    select tenant_id, window_start from tenant_windows where window_start < $1::timestamptz limit $2::int
    for update skip locked
),
gone as (
    delete from tenant_windows where (tenant_id, window_start) in (select tenant_id, window_start from old) returning 1
)
select count(*)::int from gone
