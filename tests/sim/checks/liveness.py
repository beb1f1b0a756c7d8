"""Once everything was healed: whatever was asked is answered, whatever was admitted ends, and nobody is left behind."""

from collections.abc import Iterator

from projections.fold import SOURCES
from schemas.events.executions import AttemptDispatched, ExecutionEnded, ExecutionMissed, ExecutionSkipped
from tests.sim.history import History

APPLIED_WITHIN_S = 5.0


def commands_are_answered(history: History) -> Iterator[str]:
    """Every command that was acknowledged is in the log, and every one that is there has an answer."""
    answered = set(history.answered_ids())
    written = {fact.message.command_id for fact in history.commands}
    for command_id, sent in history.sent.items():
        if sent.acknowledged and command_id not in written:
            yield f"command {command_id} was acknowledged, and is not in the log"
        if command_id in written and command_id not in answered:
            yield f"{type(sent.command).__name__} {command_id} was never answered"


def executions_end(history: History) -> Iterator[str]:
    """Nothing that was admitted stays without an end; it may wait for as long as its job's slots are in use."""
    lately = {fact.message.job_id for fact in history.events if fact.at_s >= history.end_s - history.plan.patience_s}
    for execution_id, facts in history.events_of.items():
        is_ended = any(isinstance(f.message, ExecutionEnded | ExecutionSkipped | ExecutionMissed) for f in facts)
        begun_at_s = next((f.at_s for f in facts if isinstance(f.message, AttemptDispatched)), None)
        if begun_at_s is None and facts[0].message.job_id in lately:
            continue
        if not is_ended and (begun_at_s or facts[0].at_s) < history.end_s - history.plan.patience_s:
            yield f"{execution_id} of job {facts[0].message.job_id} did not end"


def everything_is_projected(history: History) -> Iterator[str]:
    """No record stays unread."""
    names = {topic.name for topic in SOURCES}
    for place, records in history.records.items():
        if place.topic not in names:
            continue
        position = history.tables.next.get((place.topic, place.partition), 0)
        unread = [record for record in records if record.offset >= position]
        if unread and unread[0].timestamp_ms / 1000 - history.start_s < history.end_s - APPLIED_WITHIN_S:
            yield f"{len(unread)} records of {place.topic}/{place.partition} were not projected"


def partitions_have_owners(history: History) -> Iterator[str]:
    """No partition is left to nobody."""
    for role in ("ticker", "dispatcher", "projections"):
        for partition in range(history.plan.partition_count):
            if (role, partition) not in history.owners:
                yield f"{role}/{partition} belongs to nobody"


def nothing_is_defective(history: History) -> Iterator[str]:
    """No process died of an error of its own, and none met one that it had not foreseen."""
    yield from history.defects
