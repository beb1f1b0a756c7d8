insert into workers as stored (
    worker_id, state, capacity, held_count, running_count, finished_count, host, pid, isolation, control_groups,
    functions, memory_mb, started_at, last_beat_at
)
select *
from unnest(
    $1::text[], $2::text[], $3::int[], $4::int[], $5::int[], $6::int[], $7::text[], $8::int[], $9::text[],
    $10::jsonb[], $11::jsonb[], $12::int[], $13::timestamptz[], $14::timestamptz[]
)
on conflict (worker_id) do update set
    state = excluded.state,
    capacity = excluded.capacity,
    held_count = excluded.held_count,
    running_count = excluded.running_count,
    finished_count = excluded.finished_count,
    host = excluded.host,
    pid = excluded.pid,
    isolation = excluded.isolation,
    control_groups = excluded.control_groups,
    functions = excluded.functions,
    memory_mb = excluded.memory_mb,
    started_at = excluded.started_at,
    last_beat_at = excluded.last_beat_at
where excluded.last_beat_at >= stored.last_beat_at
