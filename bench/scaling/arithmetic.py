"""What so many tenants and executions take, line by line.

The records come from the product's own code (`bench.lives`), the bounds from `horolog.limits`, the costs from
`bench.scaling.costs`, and what is assumed is called so.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from uuid import NAMESPACE_URL, uuid5

from bench.lives import BATCH_HEAD_BYTES, beat, life, stored_bytes
from bench.scaling.costs import (
    BROKER_CORES,
    BROKER_TB,
    BROKER_WRITE_MB_S,
    COMMIT_MS,
    COPIES,
    CPU_MS,
    CPU_USED,
    DISPATCHER_MB,
    HTTP_MS,
    POSTGRES_TABLE_BYTES_MAX,
    ROW_BYTES,
    ROW_INDEX_BYTES,
    ROW_WAL_BYTES,
    SERVICE_BYTES_MAX,
    job_bytes,
    owner_rate,
)
from bench.scaling.records import kept_tb, per_execution
from bench.scaling.scale import ASKED, BILLION, HUNDREDFOLD, Scale, containers, some, whole
from horolog.cli.composition import TURN_INTERVAL_S
from horolog.limits import (
    BEAT_INTERVAL_S,
    METRICS_TENANT_COUNT_MAX,
    OVERDUE_LOOK_INTERVAL_S,
    OVERDUE_LOOK_JOB_COUNT_MAX,
    OWNER_STALE_S,
)
from schemas.topics import DAY_MS, KEEP_FOR_EVER, TOPICS, partition_of

MONTH_DAYS, YEAR_DAYS = 30.4, 365


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
    yield "tenants", whole(scale.tenant_count)
    yield "executions a day", whole(scale.executions_per_day)
    yield "executions a second, mean", some(scale.mean)
    yield f"  in the peak, {scale.peak_factor} times that (assumed)", some(scale.peak)
    yield f"jobs, each firing {scale.fires_per_job} times a day (assumed)", whole(scale.job_count)
    yield f"running at the peak, {scale.attempt_s:g} s each (assumed)", whole(scale.peak * scale.attempt_s)
    yield from _log(scale)
    yield from _cores(scale)
    yield from _containers(scale)
    yield from _database(scale)
    yield from _watching(scale)


def shares(scale: Scale) -> Iterator[str]:
    """The largest partition by the number of partitions: all tenants alike, or the n-th with 1/n of the first's."""
    ids = [str(uuid5(NAMESPACE_URL, f"tenant {n}")) for n in range(scale.tenant_count)]
    asked = f"{whole(scale.tenant_count)} tenants, {whole(scale.peak)} executions/s"
    yield f"{asked}; an owner decides {whole(owner_rate())}/s"
    yield "partitions   largest, alike   largest, 1/n   commits/s   cores for them   records in a commit"
    for count in (16, 64, 256, 1024):
        alike = largest_share(ids, [1.0] * len(ids), count) * scale.peak
        uneven = largest_share(ids, [1 / n for n in range(1, len(ids) + 1)], count) * scale.peak
        commits = commits_per_second(scale.peak, count)
        yield (
            f"{count:>10}{whole(alike):>15}/s{whole(uneven):>13}/s{whole(commits):>12}"
            f"{some(commits * COMMIT_MS / 1000):>17}{some(_dispatcher_records() * scale.peak / commits):>22}"
        )


def cores_with_http(scale: Scale) -> float:
    """Of everything, commits of owners included."""
    each_ms = sum(CPU_MS[name] for name in ("dispatcher", "projections", "PostgreSQL", "ticker")) + HTTP_MS
    commits_ms = commits_per_second(scale.peak, scale.partition_count) * COMMIT_MS
    return (scale.peak * (each_ms + COPIES * CPU_MS["Kafka"]) + commits_ms) / 1000


def brokers(count: float) -> int:
    """At least as many as there are copies."""
    return max(COPIES, math.ceil(count))


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
    written = per_execution()
    megabytes = scale.peak * written.byte_count / 1e6
    yield "partitions of each topic", whole(scale.partition_count)
    yield "records a second, peak", whole(scale.peak * written.record_count)
    yield "MB a second into the brokers, peak", some(megabytes)
    yield f"  with {COPIES} copies", some(COPIES * megabytes)
    yield f"TB kept of topics with a retention, {COPIES} copies", some(kept_tb(scale, days=0))
    yield f"TB more each day, for ever, {COPIES} copies", some(kept_tb(scale, days=1) - kept_tb(scale, days=0))
    yield "TB after a year", some(kept_tb(scale, days=YEAR_DAYS))
    cpu_s = COPIES * scale.peak * CPU_MS["Kafka"] / 1000
    yield f"brokers by CPU, {BROKER_CORES} cores each (assumed)", whole(brokers(cpu_s / (BROKER_CORES * CPU_USED)))
    yield (
        f"brokers by writes, {BROKER_WRITE_MB_S} MB/s each (assumed)",
        whole(brokers(COPIES * megabytes / BROKER_WRITE_MB_S)),
    )
    yield (
        f"brokers by disk after a year, {BROKER_TB} TB each (assumed)",
        whole(brokers(kept_tb(scale, YEAR_DAYS) / BROKER_TB)),
    )


def _cores(scale: Scale) -> Iterator[tuple[str, str]]:
    for name, each_ms in CPU_MS.items():
        copies = COPIES if name == "Kafka" else 1
        suffix = f", {COPIES} copies" if name == "Kafka" else ""
        yield f"cores at the peak: {name}{suffix}", some(scale.peak * each_ms * copies / 1000)
    yield "cores at the peak: HTTP requests instead", some(scale.peak * HTTP_MS / 1000)
    yield "cores at the peak, all of it with HTTP requests", some(cores_with_http(scale))


def _containers(scale: Scale) -> Iterator[tuple[str, str]]:
    by_memory = math.ceil(scale.job_count * job_bytes() / (SERVICE_BYTES_MAX - DISPATCHER_MB * 1e6))
    yield "MB of jobs in all dispatchers together", whole(scale.job_count * job_bytes() / 1e6)
    yield "dispatchers by memory", whole(max(2, by_memory))
    for role in ("dispatcher", "ticker", "projections"):
        yield f"containers by CPU: {role}", whole(containers(scale.peak * CPU_MS[role]))
    yield "attempts at a time on an executor", whole(scale.room)
    yield "executors", whole(max(2, scale.executor_count))


def _database(scale: Scale) -> Iterator[tuple[str, str]]:
    month_rows = scale.executions_per_day * MONTH_DAYS
    yield "rows in a month's partition, billions", some(month_rows / 1e9)
    yield "rows a second, peak", whole(scale.peak)
    yield "TB of rows and indexes a month", some(month_rows * (ROW_BYTES + ROW_INDEX_BYTES) / 1e12)
    yield "  of what one table can hold, %", some(100 * month_rows * ROW_BYTES / POSTGRES_TABLE_BYTES_MAX)
    yield "MB of write-ahead log a second, peak", some(scale.peak * ROW_WAL_BYTES / 1e6)


def _watching(scale: Scale) -> Iterator[tuple[str, str]]:
    in_flight = scale.peak * scale.attempt_s
    beats = max(2, scale.executor_count) / BEAT_INTERVAL_S
    named = in_flight * (stored_bytes(beat(100)) - stored_bytes(beat(0))) / 100 / BEAT_INTERVAL_S
    yield "MB a second of beats, read by each dispatcher", some((beats * stored_bytes(beat(0)) + named) / 1e6)
    yield (
        f"commits/s of dispatchers, {TURN_INTERVAL_S * 1000:g} ms between turns",
        whole(commits_per_second(scale.peak, scale.partition_count)),
    )
    looks = max(1, math.ceil(scale.job_count / OVERDUE_LOOK_JOB_COUNT_MAX))
    yield "s until each schedule was looked at by the API", whole(looks * OVERDUE_LOOK_INTERVAL_S)
    yield "tenants with figures of their own, at most", whole(min(scale.tenant_count, METRICS_TENANT_COUNT_MAX))
    yield "s until a silent owner counts as gone in /health", whole(OWNER_STALE_S)


def _dispatcher_records() -> int:
    """Of one execution's records, those that the dispatcher writes; tasks and facts."""
    return sum(record.topic in ("executions.v1", "tasks.v1") for record in life())
