select role, partition, owner, epoch, acquired_at, last_checkpoint_at, watermark, positions, zone_data
from partition_owners
order by role, partition
