"""Commands straight to the log, as a producer that uses it in place of the API writes them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from horolog.adapters.system import RandomIds, SystemClock
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Log, Outgoing
from horolog.ports import Ids
from schemas.codec import headers_of
from schemas.commands import Command, CreateJob, TriggerJob
from schemas.jobs import FunctionConfig, JobDefinition, JobType
from schemas.topics import COMMANDS, PARTITION_COUNT_DEFAULT, partition_of

TENANTS = tuple(f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 9))
ACTOR = "system:bench"
BATCH_COUNT = 1000
CONCURRENT_COUNT_MAX = 10_000


@asynccontextmanager
async def opened(bootstrap: str) -> AsyncIterator[Log]:
    """The log of the broker, with its topics."""
    log = await KafkaLog.open(KafkaSettings(bootstrap, prefix="horolog.", partition_count=PARTITION_COUNT_DEFAULT))
    try:
        yield log
    finally:
        await log.close()


def tenant_of(number: int) -> str:
    """Whose job this is; the tenants take turns."""
    return TENANTS[number % len(TENANTS)]


def job_id_of(number: int) -> str:
    """The id of a job, known without asking."""
    return f"{number:08x}-0000-4000-8000-000000000001"


def creation(number: int, cron: str, config: FunctionConfig, ids: Ids) -> CreateJob:
    """The command that creates a job."""
    definition = JobDefinition(
        name=f"schedule {number}",
        cron_expression=cron,
        job_type=JobType.FUNCTION,
        config=config,
        max_concurrent=CONCURRENT_COUNT_MAX,
    )
    return CreateJob(
        tenant_id=tenant_of(number),
        command_id=ids.new(),
        actor=ACTOR,
        issued_at=SystemClock().now(),
        job_id=job_id_of(number),
        definition=definition,
    )


def trigger(number: int, ids: Ids) -> TriggerJob:
    """The command that runs a job once."""
    return TriggerJob(
        tenant_id=tenant_of(number),
        command_id=ids.new(),
        actor=ACTOR,
        issued_at=SystemClock().now(),
        job_id=job_id_of(number),
    )


async def write(log: Log, count: int, make: Callable[[int, Ids], Command]) -> None:
    """Write `count` commands; durable when this returns."""
    ids, clock = RandomIds(), SystemClock()
    for first in range(0, count, BATCH_COUNT):
        commands = [make(number, ids) for number in range(first, min(count, first + BATCH_COUNT))]
        now = clock.now()
        await log.append([_record(command, headers_of(command, "bench", now)) for command in commands])


def _record(command: Command, headers: tuple[tuple[str, bytes], ...]) -> Outgoing:
    partition = partition_of(command.tenant_id, PARTITION_COUNT_DEFAULT)
    return Outgoing(COMMANDS.name, partition, command.tenant_id.encode(), command.to_json(), headers)
