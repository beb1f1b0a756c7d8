"""The log on Apache Kafka (3.x or 4.x, one broker or many), through aiokafka.

Guarantee: the port's promises, from Kafka's own: partitions are ordered; one transactional producer per role and
partition, so that the newest owner's start fences every older one (KIP-98); readers are read-committed. The client
cannot repair a transaction that went wrong in any way (it lacks KIP-360 and KIP-890), so nothing is ever repaired:
a producer that failed is dropped, the outcome is reported as unknown, and the next writer starts with a new epoch.

`writer` commits, `appender` appends, `reader` follows, `lookup` scans and finds, `membership` shares out partitions,
`topics` creates, `topic_check` compares; `clients` builds the aiokafka clients and gets rid of them again. The broker's
time is not used: timestamps are the writing client's.
"""

from horolog.log.kafka.log import KafkaLog
from horolog.log.kafka.settings import KafkaSettings

__all__ = ["KafkaLog", "KafkaSettings"]
