insert into projection_offsets (topic, partition, next)
select *
from unnest($1::text[], $2::int[], $3::bigint[])
on conflict (topic, partition) do nothing
