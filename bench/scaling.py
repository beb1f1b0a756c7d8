"""What so many tenants and executions take: `python -m bench.scaling`; `docs/scaling.md` quotes what it prints.

Pure arithmetic: the records come from the product's own code (`bench.lives`), the bounds from `horolog.limits`, the
costs from `docs/benchmarks.md`, and what is assumed is called so. Nothing is measured here.
"""

import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from bench.lives import BATCH_HEAD_BYTES, beat, life, stored_bytes
from horolog.cli.composition import TURN_INTERVAL_S
from horolog.limits import (
    BEAT_INTERVAL_S,
    METRICS_TENANT_COUNT_MAX,
    OVERDUE_LOOK_INTERVAL_S,
    OVERDUE_LOOK_JOB_COUNT_MAX,
    OWNER_STALE_S,
)
from schemas.topics import DAY_MS, KEEP_FOR_EVER, TOPICS, partition_of

DAY_S = 86_400
MONTH_DAYS = 30.4
COPIES = 3
CPU_LIMIT, CPU_USED = 0.75, 0.6
"""Of a core: the limit of a container, and the share of that which is planned with."""
SERVICE_BYTES_MAX = 900e6
POSTGRES_TABLE_BYTES_MAX = 2**45
"""A relation has 2^32 pages of 8 KiB at most. Source: PostgreSQL documentation, appendix K."""

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


@dataclass(frozen=True, slots=True)
class Scale:
    """What is asked for; the last four are assumed. `attempt_s` is how long an attempt runs."""

    tenant_count: int
    executions_per_day: int
    partition_count: int
    room: int
    peak_factor: int = 5
    attempt_s: float = 2.0
    fires_per_job: int = 1440

    @property
    def mean(self) -> float:
        """Executions a second."""
        return self.executions_per_day / DAY_S

    @property
    def peak(self) -> float:
        """Executions a second in the busiest minutes."""
        return self.mean * self.peak_factor

    @property
    def job_count(self) -> int:
        """Jobs that together fire so often."""
        return math.ceil(self.executions_per_day / self.fires_per_job)

    @property
    def executor_count(self) -> int:
        """By the room for what runs at a time, or by the CPU of HTTP requests: whichever takes more."""
        return max(math.ceil(self.peak * self.attempt_s / self.room), containers(self.peak * HTTP_MS))


ASKED = Scale(tenant_count=100, executions_per_day=1_000_000, partition_count=16, room=100)
HUNDREDFOLD = Scale(tenant_count=1000, executions_per_day=100_000_000, partition_count=16, room=500)
BILLION = Scale(tenant_count=10_000, executions_per_day=1_000_000_000, partition_count=64, room=1000)


def main() -> None:
    """Print all scales."""
    sys.stdout.write("\n".join(report()) + "\n")


def report() -> list[str]:
    """What is printed."""
    return [*records(), "", *compared(), "", *shares(BILLION)]


def records() -> Iterator[str]:
    """The records of one execution by topic, and what is kept of a day's."""
    written = life()
    counts, sizes = Counter(record.topic for record in written), Counter[str]()
    for record in written:
        sizes[record.topic] += stored_bytes(record)
    kept = {topic.name: topic.retention_ms for topic in TOPICS}
    yield "one HTTP execution, one attempt      records    bytes   kept for"
    for name in counts:
        days = "ever" if kept[name] == KEEP_FOR_EVER else f"{kept[name] / DAY_MS:g} d"
        yield f"  {name:<34} {counts[name]:>7} {sizes[name]:>8,}   {days}"
    total = sum(sizes.values())
    yield f"  {'all':<34} {len(written):>7} {total:>8,}   and {BATCH_HEAD_BYTES} bytes for each batch"


def compared() -> Iterator[str]:
    """The scales side by side."""
    columns = [list(figures(scale)) for scale in (ASKED, HUNDREDFOLD, BILLION)]
    yield f"{'':<50}{'asked for':>14}{'a hundredfold':>15}{'a billion':>15}"
    for lines in zip(*columns, strict=True):
        asked, hundredfold, billion = (figure for _, figure in lines)
        yield f"{lines[0][0]:<50}{asked:>14}{hundredfold:>15}{billion:>15}"


def figures(scale: Scale) -> Iterator[tuple[str, str]]:
    """Every line of one scale: its name, and the figure."""
    yield "tenants", _whole(scale.tenant_count)
    yield "executions a day", _whole(scale.executions_per_day)
    yield "executions a second, mean", _some(scale.mean)
    yield f"  in the peak, {scale.peak_factor} times that (assumed)", _some(scale.peak)
    yield f"jobs, each firing {scale.fires_per_job} times a day (assumed)", _whole(scale.job_count)
    yield f"running at the peak, {scale.attempt_s:g} s each (assumed)", _whole(scale.peak * scale.attempt_s)
    yield from _log(scale)
    yield from _cores(scale)
    yield from _containers(scale)
    yield from _database(scale)
    yield from _watching(scale)


def shares(scale: Scale) -> Iterator[str]:
    """The largest partition by the number of partitions: all tenants alike, or the n-th with 1/n of the first's."""
    ids = [str(uuid5(NAMESPACE_URL, f"tenant {n}")) for n in range(scale.tenant_count)]
    limit = CPU_LIMIT * 1000 / CPU_MS["dispatcher"]
    yield f"{_whole(scale.tenant_count)} tenants, {_whole(scale.peak)} executions/s; an owner decides {_whole(limit)}/s"
    yield "partitions   largest, alike   largest, 1/n   commits/s   cores for them   records in a commit"
    for count in (16, 64, 256, 1024):
        alike = largest_share(ids, [1.0] * len(ids), count) * scale.peak
        uneven = largest_share(ids, [1 / n for n in range(1, len(ids) + 1)], count) * scale.peak
        commits = commits_per_second(scale.peak, count)
        yield (
            f"{count:>10}{_whole(alike):>15}/s{_whole(uneven):>13}/s{_whole(commits):>12}"
            f"{_some(commits * COMMIT_MS / 1000):>17}{_some(_dispatcher_records() * scale.peak / commits):>22}"
        )


def containers(cpu_ms_per_second: float) -> int:
    """How many containers such a load takes, each of `CPU_LIMIT` and used to `CPU_USED` of that."""
    return max(2, math.ceil(cpu_ms_per_second / (1000 * CPU_LIMIT * CPU_USED)))


def commits_per_second(peak: float, partition_count: int) -> float:
    """Of dispatchers whose inputs come evenly: as many as the turn interval lets, or one for each input.

    Inputs are a fire and two reports for each execution. Fires that come together, as crons' do, take fewer.
    """
    return min(partition_count / TURN_INTERVAL_S, 3 * peak)


def largest_share(tenants: Sequence[str], weights: Sequence[float], partition_count: int) -> float:
    """The part of all load that falls to the partition with most of it."""
    loads: dict[int, float] = defaultdict(float)
    for tenant, weight in zip(tenants, weights, strict=True):
        loads[partition_of(tenant, partition_count)] += weight
    return max(loads.values()) / sum(weights)


def _log(scale: Scale) -> Iterator[tuple[str, str]]:
    written = life()
    bytes_each = sum(stored_bytes(record) for record in written)
    kept = {topic.name: topic.retention_ms for topic in TOPICS}
    ever = sum(stored_bytes(record) for record in written if kept[record.topic] == KEEP_FOR_EVER)
    limited = sum(stored_bytes(r) * kept[r.topic] / DAY_MS for r in written if kept[r.topic] != KEEP_FOR_EVER)
    yield "partitions of each topic", _whole(scale.partition_count)
    yield "records a second, peak", _whole(scale.peak * len(written))
    yield "MB a second into the brokers, peak", _some(scale.peak * bytes_each / 1e6)
    yield f"  with {COPIES} copies", _some(COPIES * scale.peak * bytes_each / 1e6)
    yield (
        f"TB kept of topics with a retention, {COPIES} copies",
        _some(COPIES * scale.executions_per_day * limited / 1e12),
    )
    yield f"TB more each day, for ever, {COPIES} copies", _some(COPIES * scale.executions_per_day * ever / 1e12)


def _cores(scale: Scale) -> Iterator[tuple[str, str]]:
    for name, each_ms in CPU_MS.items():
        copies = COPIES if name == "Kafka" else 1
        suffix = f", {COPIES} copies" if name == "Kafka" else ""
        yield f"cores at the peak: {name}{suffix}", _some(scale.peak * each_ms * copies / 1000)
    yield "cores at the peak: HTTP requests instead", _some(scale.peak * HTTP_MS / 1000)


def _containers(scale: Scale) -> Iterator[tuple[str, str]]:
    by_memory = math.ceil(scale.job_count * job_bytes() / (SERVICE_BYTES_MAX - DISPATCHER_MB * 1e6))
    yield "MB of jobs in all dispatchers together", _whole(scale.job_count * job_bytes() / 1e6)
    yield "dispatchers by memory", _whole(max(2, by_memory))
    for role in ("dispatcher", "ticker", "projections"):
        yield f"containers by CPU: {role}", _whole(containers(scale.peak * CPU_MS[role]))
    yield "attempts at a time on an executor", _whole(scale.room)
    yield "executors", _whole(max(2, scale.executor_count))


def _database(scale: Scale) -> Iterator[tuple[str, str]]:
    month_rows = scale.executions_per_day * MONTH_DAYS
    yield "rows in a month's partition, billions", _some(month_rows / 1e9)
    yield "rows a second, peak", _whole(scale.peak)
    yield "TB of rows and indexes a month", _some(month_rows * (ROW_BYTES + ROW_INDEX_BYTES) / 1e12)
    yield "  of what one table can hold, %", _some(100 * month_rows * ROW_BYTES / POSTGRES_TABLE_BYTES_MAX)
    yield "MB of write-ahead log a second, peak", _some(scale.peak * ROW_WAL_BYTES / 1e6)


def _watching(scale: Scale) -> Iterator[tuple[str, str]]:
    in_flight = scale.peak * scale.attempt_s
    beats = max(2, scale.executor_count) / BEAT_INTERVAL_S
    named = in_flight * (stored_bytes(beat(100)) - stored_bytes(beat(0))) / 100 / BEAT_INTERVAL_S
    yield "MB a second of beats, read by each dispatcher", _some((beats * stored_bytes(beat(0)) + named) / 1e6)
    yield (
        f"commits/s of dispatchers, {TURN_INTERVAL_S * 1000:g} ms between turns",
        _whole(commits_per_second(scale.peak, scale.partition_count)),
    )
    looks = max(1, math.ceil(scale.job_count / OVERDUE_LOOK_JOB_COUNT_MAX))
    yield "s until each schedule was looked at by the API", _whole(looks * OVERDUE_LOOK_INTERVAL_S)
    yield "tenants with figures of their own, at most", _whole(min(scale.tenant_count, METRICS_TENANT_COUNT_MAX))
    yield "s until a silent owner counts as gone in /health", _whole(OWNER_STALE_S)


def job_bytes() -> float:
    """What a job takes in a dispatcher."""
    return (DISPATCHER_JOBS_MB - DISPATCHER_MB) * 1e6 / RESTING_JOB_COUNT


def _dispatcher_records() -> int:
    """Of one execution's records, those that the dispatcher writes; tasks and facts."""
    return sum(record.topic in ("executions.v1", "tasks.v1") for record in life())


def _whole(number: float) -> str:
    return f"{round(number):,}"


def _some(number: float) -> str:
    if number >= 100:
        return _whole(number)
    return f"{number:.1f}" if number >= 1 else f"{number:.2g}"


if __name__ == "__main__":
    main()
