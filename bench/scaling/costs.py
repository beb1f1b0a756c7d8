"""What one execution costs, as it was measured, and what a server of yours is assumed to hold.

Guarantee: each figure of the first part stands in `docs/benchmarks.md`, and a test holds it to that.
"""

CPU_MS = {
    "dispatcher": 0.15,
    "executor": 0.11,
    "functions": 0.05,
    "projections": 0.08,
    "Kafka": 0.06,
    "PostgreSQL": 0.04,
    "ticker": 0.02,
}
"""Of each no-op function, in crowds. Source: docs/benchmarks.md, "Firing"."""
HTTP_MS = 0.83
COMMIT_MS = 1.128
"""Of a client, for a commit of one record. Source of both: docs/benchmarks.md, "Parts"."""
RESTING_JOB_COUNT = 100_000
DISPATCHER_MB, DISPATCHER_JOBS_MB = 67, 420
"""A dispatcher without jobs, and one with `RESTING_JOB_COUNT`. Source: docs/benchmarks.md, "Memory, idle"."""
ROW_BYTES, ROW_INDEX_BYTES, ROW_WAL_BYTES = 430, 350, 1560
"""Of an execution in the ledger. Source: docs/benchmarks.md, "Parts"."""
JOB_READ_US, FACT_READ_US = 70, 59
"""Of a dispatcher that takes a partition over, for each record on Kafka. Source: docs/benchmarks.md, "Parts"."""

CPU_LIMIT, CPU_USED = 0.75, 0.6
"""Of a core: the limit of a container, and the share of that which is planned with."""
SERVICE_BYTES_MAX = 900e6
POSTGRES_TABLE_BYTES_MAX = 2**45
"""A relation has 2^32 pages of 8 KiB at most. Source: PostgreSQL documentation, appendix K."""
COPIES = 3
BROKER_CORES, BROKER_WRITE_MB_S, BROKER_TB = 8, 200, 16
"""Assumed of a broker, and so is this of a database: how much write-ahead log it takes in a second."""
POSTGRES_WAL_MB_S = 100


def owner_rate() -> float:
    """Executions a second that one owner can decide on: it has one core, of which a container gives it a part."""
    return CPU_LIMIT * 1000 / CPU_MS["dispatcher"]


def job_bytes() -> float:
    """What a job takes in a dispatcher."""
    return (DISPATCHER_JOBS_MB - DISPATCHER_MB) * 1e6 / RESTING_JOB_COUNT
