-- The workers heard of after $1, each with the partitions whose dispatcher hands it nothing more.
select
    worker_id, state, capacity, held_count, running_count, finished_count, host, pid, isolation, memory_mb, started_at,
    last_beat_at, control_groups, functions,
    coalesce(
        (
            select jsonb_agg(jsonb_build_object('partition', owners.partition, 'stall', entry ->> 'stall')
                order by owners.partition)
            from partition_owners as owners
            cross join lateral jsonb_array_elements(owners.set_aside) as entry
            where owners.role = 'dispatcher' and entry ->> 'workerId' = workers.worker_id
        ),
        '[]'
    ) as set_aside
from workers
where last_beat_at > $1
order by worker_id
