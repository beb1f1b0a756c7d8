-- Rows that are locked and compared: whoever has moved a place in between is the one who may go on.
with moved as (
    update projection_offsets as place
    set next = move.target
    from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) as move (topic, partition, source, target)
    where place.topic = move.topic
      and place.partition = move.partition
      and place.next = move.source
    returning 1
)
select count(*) from moved
