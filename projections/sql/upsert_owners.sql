insert into partition_owners as stored (
    role, partition, owner, epoch, acquired_at, last_checkpoint_at, watermark, positions, replay_from,
    zone_data, set_aside
)
select *
from unnest(
    $1::text[], $2::int[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
    $8::jsonb[], $9::bigint[], $10::jsonb[], $11::jsonb[]
)
on conflict (role, partition) do update set
    owner = excluded.owner,
    epoch = excluded.epoch,
    acquired_at = excluded.acquired_at,
    last_checkpoint_at = excluded.last_checkpoint_at,
    watermark = excluded.watermark,
    positions = excluded.positions,
    replay_from = excluded.replay_from,
    zone_data = excluded.zone_data,
    set_aside = excluded.set_aside
where excluded.epoch >= stored.epoch
