"""What must not be in the log is not sent, and what makes no sense is told before it is."""

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.client import EventConsumer, EventProducer, NotSendable, Sender
from horolog.domain.command_seals import CommandKey, CommandSeals
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Log, Place
from schemas.commands import CreateJob, PauseJob, SuspendTenant, TriggerJob, UpdateJob
from schemas.jobs import FunctionConfig, HttpConfig, JobConfig, JobDefinition, JobType
from schemas.topics import COMMANDS, Topic

TENANT = "11111111-2222-4333-8444-555555555555"
SECRET = "s3cr3t-w0rd"


def producer(log: Log) -> EventProducer:
    return EventProducer(log, Sender(TENANT, "service:billing"), SystemClock(), RandomIds())


def definition(config: JobConfig, cron: str = "0 * * * * *") -> JobDefinition:
    job_type = JobType.HTTP if isinstance(config, HttpConfig) else JobType.FUNCTION
    return JobDefinition(name="x", cron_expression=cron, job_type=job_type, config=config)


def hook(value: str) -> HttpConfig:
    return HttpConfig(url="https://example.org", method="POST", headers={"Authorization": value})


async def _written(log: EmbeddedLog) -> list[object]:
    return [event async for event in EventConsumer(log, [COMMANDS]).events(follow=False)]


async def test_a_secret_is_not_sent_and_not_told() -> None:
    log = EmbeddedLog.open(None, SystemClock())
    function = FunctionConfig(module_path="a", function_name="b", parameters={"api_key": SECRET})
    for config in (hook(f"Bearer {SECRET}"), function, hook("enc:v1:0123456789abcdef:" + "A" * 40)):
        with pytest.raises(NotSendable, match="secret") as caught:
            await producer(log).create_job(definition(config))
        assert SECRET not in str(caught.value)
        with pytest.raises(NotSendable):
            await producer(log).send(UpdateJob, job_id=TENANT, definition=definition(config))
    with pytest.raises(NotSendable, match=r"parameters\.api_key"):
        await producer(log).send(TriggerJob, job_id=TENANT, parameters={"api_key": SECRET})
    assert await _written(log) == []
    await producer(log).create_job(definition(hook("Bearer secret://billing")))
    assert len(await _written(log)) == 1


async def test_what_makes_no_sense_is_told_without_its_values() -> None:
    log = EmbeddedLog.open(None, SystemClock())
    with pytest.raises(NotSendable, match="cronExpression"):
        await producer(log).create_job(definition(hook("Bearer secret://billing"), "61 * * * * *"))
    for kind, fields in ((PauseJob, {"job_id": SECRET}), (CreateJob, {}), (PauseJob, {"job_id": TENANT, "x": SECRET})):
        with pytest.raises(NotSendable) as caught:
            await producer(log).send(kind, **fields)
        assert SECRET not in str(caught.value)
    assert await _written(log) == []


async def test_command_is_sealed_with_the_producers_key_and_what_that_is_not_for_is_not_sent() -> None:
    log, key = EmbeddedLog.open(None, SystemClock()), CommandKey(b"k" * 32, "billing", frozenset({TENANT}))
    billing, crm = (
        EventProducer(log, Sender(TENANT, actor), SystemClock(), RandomIds(), CommandSeals([key]))
        for actor in ("service:billing", "service:crm")
    )
    await billing.send(PauseJob, job_id=TENANT)
    for asking in (crm.send(PauseJob, job_id=TENANT), billing.send(SuspendTenant)):
        with pytest.raises(NotSendable, match="the key of billing"):
            await asking
    places = [Place(COMMANDS.name, partition) for partition in range(log.partition_count)]
    written = [r for place in places async for batch in log.scan(place, 0, 10) for r in batch]
    assert [key.holds(record.headers, PauseJob.TYPE, record.value or b"") for record in written] == [True]


def test_only_topics_of_the_system_are_read() -> None:
    log = EmbeddedLog.open(None, SystemClock())
    for topics in ([], [Topic("mine.v1", 1)]):
        with pytest.raises(ValueError, match=r"schemas\.topics"):
            EventConsumer(log, topics)
