-- Of every partition, in order; one without a ticker has none yet.
select ticker.zone_data::text as zone_data
from generate_series(0, (select coalesce(max(partition), 0) from projection_offsets)) as place (partition)
left join partition_owners as ticker on ticker.role = 'ticker' and ticker.partition = place.partition
order by place.partition
