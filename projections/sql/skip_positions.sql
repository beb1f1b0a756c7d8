-- Forward only: whoever has come further meanwhile stays there.
update projection_offsets as place
set next = oldest.next
from unnest($1::text[], $2::int[], $3::bigint[]) as oldest (topic, partition, next)
where place.topic = oldest.topic
  and place.partition = oldest.partition
  and place.next < oldest.next
