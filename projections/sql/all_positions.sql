select topic, partition, next
from projection_offsets
