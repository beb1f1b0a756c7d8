select place.topic, place.partition, place.next
from projection_offsets as place
join unnest($1::text[], $2::int[]) as wanted (topic, partition) using (topic, partition)
