"""The topics: their names, how long they keep, and how a tenant finds its partition.

Every topic has the same number of partitions, fixed at creation. `partition_of` is the default partitioner of the
Java client (murmur2 of the key, sign bit cleared), so a client in any language that keys by tenant id lands right.
"""

from dataclasses import dataclass
from functools import lru_cache

DAY_MS = 86_400_000
KEEP_FOR_EVER = -1
PARTITION_COUNT_DEFAULT = 16
RECORD_BYTES_MAX = 1_000_000
"""The largest record that anyone of ours writes; a larger one on a topic is a stranger's, and refused."""


@dataclass(frozen=True, slots=True)
class Topic:
    """`name` without the prefix; `retention_ms` -1 keeps for ever; compacted topics keep the last of each key."""

    name: str
    retention_ms: int
    compacted: bool = False


COMMANDS = Topic("commands.v1", 7 * DAY_MS)
OUTCOMES = Topic("outcomes.v1", DAY_MS)
JOBS = Topic("jobs.v1", KEEP_FOR_EVER)
JOB_TABLE = Topic("job-table.v1", KEEP_FOR_EVER, compacted=True)
TENANTS = Topic("tenants.v1", KEEP_FOR_EVER, compacted=True)
TENANT_CHANGES = Topic("tenant-changes.v1", KEEP_FOR_EVER)
AUDIT = Topic("audit.v1", KEEP_FOR_EVER)
FIRES = Topic("fires.v1", 30 * DAY_MS)
TASKS = Topic("tasks.v1", DAY_MS)
RESULTS = Topic("results.v1", 7 * DAY_MS)
EXECUTIONS = Topic("executions.v1", KEEP_FOR_EVER)
WORKERS = Topic("workers.v1", DAY_MS // 24)
CONTROL = Topic("control.v1", DAY_MS // 24)
CHECKPOINTS = Topic("checkpoints.v1", KEEP_FOR_EVER, compacted=True)
OUTPUT = Topic("output.v1", DAY_MS // 24)
ANALYTICS = Topic("analytics.v1", 7 * DAY_MS)
DLQ = Topic("dlq.v1", 30 * DAY_MS)

TOPICS = (
    COMMANDS,
    OUTCOMES,
    JOBS,
    JOB_TABLE,
    TENANTS,
    TENANT_CHANGES,
    AUDIT,
    FIRES,
    TASKS,
    RESULTS,
    EXECUTIONS,
    WORKERS,
    CONTROL,
    CHECKPOINTS,
    OUTPUT,
    ANALYTICS,
    DLQ,
)

_M, _R, _SEED, _MASK = 0x5BD1E995, 24, 0x9747B28C, 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit MurmurHash2 of Kafka's Java client (`org.apache.kafka.common.utils.Utils.murmur2`)."""
    h = _SEED ^ len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _MASK
        k = (k ^ k >> _R) * _M & _MASK
        h = h * _M & _MASK ^ k
    if tail := data[whole:]:
        h = (h ^ int.from_bytes(tail, "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


@lru_cache(maxsize=65_536)
def partition_of(key: str, partition_count: int) -> int:
    """The partition of a key (a tenant id), as the default partitioner of the Java client computes it."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partition_count
