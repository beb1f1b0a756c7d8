"""What `horolog doctor` looks at in the log on Kafka: its topics, and where callers put their records.

Guarantee: nothing is written or changed, and a bounded number of records is read. Kafka tells no time of its own, so
clocks are not compared with it.
"""

from collections import Counter
from collections.abc import Sequence

from horolog.cli.doctor_findings import Finding, State
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.kafka.topic_check import EXISTENCE, PARTITIONS, Difference, compare_topics
from horolog.log.port import Log, Place, Record
from horolog.log.refusals import check_home
from schemas.codec import RecordError, decode
from schemas.topics import AUDIT, COMMANDS, RESULTS, TOPICS

SAMPLED = (COMMANDS, RESULTS, AUDIT)
"""The topics that are not written by owners alone: any client may write there, in any language."""
SAMPLED_RECORD_COUNT_MAX = 3000
SHOWN_COUNT = 4
_TOPICS, _PLACES = "topics", "partitioning"


async def examine_log(settings: KafkaSettings) -> list[Finding]:
    """Every finding about the log.

    Raises:
        LogError: it does not answer.
    """
    found = await compare_topics(settings)
    findings = [judge_topics(found, settings.partition_count)]
    if not any(one.part in (EXISTENCE, PARTITIONS) for one in found):
        log = await KafkaLog.open(settings)
        try:
            findings.append(await sample_places(log))
        finally:
            await log.close()
    return findings


def judge_topics(found: Sequence[Difference], partition_count: int) -> Finding:
    """Whether the topics are as they are to be."""
    if not found:
        return Finding(_TOPICS, "ok", f"{len(TOPICS)} topics of {partition_count} partitions, as they are to be")
    told = "; ".join(str(one) for one in found[:SHOWN_COUNT])
    rest = len(found) - SHOWN_COUNT
    text = f"{told}; and {rest} more" if rest > 0 else told
    parts = {one.part for one in found}
    if PARTITIONS in parts:
        return Finding(_TOPICS, "fail", text, "Set HOROLOG_PARTITIONS to what they were created with; it is for good.")
    if parts == {EXISTENCE}:
        return Finding(_TOPICS, "warn", text, "`horolog topics` creates what is missing.")
    state: State = "fail" if any(one.loses_records for one in found) else "warn"
    return Finding(
        _TOPICS, state, text, "`horolog topics --repair` sets configurations; replicas are moved by Kafka's tools."
    )


async def sample_places(log: Log) -> Finding:
    """Whether the last records of callers lie where their tenants' records belong."""
    places = [Place(topic.name, partition) for topic in SAMPLED for partition in range(log.partition_count)]
    starts, ends = await log.starts(places), await log.ends(places)
    each = max(1, SAMPLED_RECORD_COUNT_MAX // len(places))
    read, example, astray = 0, "", Counter[str]()
    for place in places:
        count, told = await _astray(log, place, max(starts[place], ends[place] - each), ends[place])
        read += count
        if told:
            astray[place.topic] += len(told)
            example = told[-1]
    if not astray:
        return Finding(_PLACES, "ok", f"{read} of the last records of callers lie where they belong")
    counts = ", ".join(f"{count} on {topic}" for topic, count in sorted(astray.items()))
    advice = "Some client uses another partitioner: murmur2 of the tenant's id, as Kafka's Java client does."
    return Finding(_PLACES, "fail", f"{counts} of {read} lie elsewhere, such as {example}", advice)


async def _astray(log: Log, place: Place, start: int, end: int) -> tuple[int, list[str]]:
    """How many records there are, and what is to be said of those that belong elsewhere."""
    count, told = 0, list[str]()
    async for records in log.scan(place, start, end):
        count += len(records)
        reasons = [(record.offset, _why_astray(record, log.partition_count)) for record in records]
        told += [f"{place.topic}, partition {place.partition}, offset {o}: {why}" for o, why in reasons if why]
    return count, told


def _why_astray(record: Record, partition_count: int) -> str | None:
    """Why a record does not belong where it is; one that cannot be read at all is another matter, and a dead letter."""
    try:
        message = decode(record.topic, record.headers, record.value)
    except RecordError:
        return None
    try:
        check_home(message, record, partition_count)
    except RecordError as error:
        return str(error)
    return None
