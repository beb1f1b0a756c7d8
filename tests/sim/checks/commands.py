"""S15 to S17: commands are applied once and answered once; a job's versions rise by one."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import pairwise

from horolog.domain.identity import triggered_execution_id
from schemas.commands import CancelExecution, Command, JobCommand, TenantCommand, TriggerJob
from tests.sim.history import History


def commands_are_applied_once(history: History) -> Iterator[str]:
    """Every command has one answer at most, one effect if it was accepted, and none otherwise."""
    answers = Counter(history.answered_ids())
    effects = _effects(history)
    for command_id, count in answers.items():
        if count > 1:
            yield f"command {command_id} was answered {count} times"
        if command_id not in history.sent:
            yield f"command {command_id} was answered, and nobody sent it"
    accepted = {fact.message.command_id: fact.message for fact in history.accepted}
    for command_id, sent in history.sent.items():
        count = effects[command_id]
        if command_id not in accepted and count:
            yield f"command {command_id} was not accepted, and has {count} effects"
        if command_id in accepted:
            yield from _wrong_effect(history, sent.command, count)


def _effects(history: History) -> Counter[str]:
    changed_by = [fact.message.command_id for fact in history.changes]
    changed_by += [fact.message.command_id for fact in history.tenant_changes]
    effects = Counter(command_id for command_id in changed_by if command_id is not None)
    for command_id, sent in history.sent.items():
        if isinstance(sent.command, TriggerJob):
            facts = history.events_of.get(triggered_execution_id(command_id), [])
            effects[command_id] += sum(1 for fact in facts if fact.message.seq == 1)
    return effects


def _wrong_effect(history: History, command: Command, count: int) -> Iterator[str]:
    if isinstance(command, CancelExecution):
        facts = history.events_of.get(command.execution_id, [])
        wanted = ("cancelled", "cancellation-requested", "skipped")
        if not any(fact.message.TYPE.split(".")[3] in wanted for fact in facts):
            yield f"the cancellation of {command.execution_id} was accepted, and had no effect"
    elif count > 1:
        yield f"command {command.command_id} was applied {count} times"
    elif count == 0 and not _was_so_already(history, command):
        yield f"{type(command).__name__} {command.command_id} was accepted, and had no effect"


def _was_so_already(history: History, command: Command) -> bool:
    """Whether the job or tenant was as it was asked to be: then its version did not rise."""
    answer = next(fact.message for fact in history.accepted if fact.message.command_id == command.command_id)
    if isinstance(command, TenantCommand):
        versions = [change.message.tenant.version for change in history.tenant_changes_of[command.tenant_id]]
        return answer.tenant_version in [None, *versions]
    assert isinstance(command, JobCommand)
    return any(change.message.job.version == answer.job_version for change in history.changes_of[command.job_id])


def tenants_versions_rise_by_one(history: History) -> Iterator[str]:
    """S15 for tenants: no gap, no fork, each change begins where the last one ended."""
    for tenant_id, facts in history.tenant_changes_of.items():
        versions = [fact.message.tenant.version for fact in facts]
        if versions != list(range(1, len(versions) + 1)):
            yield f"tenant {tenant_id} has the versions {versions}"
        for earlier, later in pairwise(facts):
            if later.message.before != earlier.message.tenant:
                yield f"version {later.message.tenant.version} of {tenant_id} does not follow from the one before"


def versions_rise_by_one(history: History) -> Iterator[str]:
    """S15: no gap, no fork, each change begins where the last one ended, and the table holds the last."""
    latest = {fact.message.job.job_id: fact.message.job for fact in history.tabled}
    for job_id, facts in history.changes_of.items():
        if not facts:
            continue
        versions = [fact.message.job.version for fact in facts]
        if versions != list(range(1, len(versions) + 1)):
            yield f"job {job_id} has the versions {versions}"
        for earlier, later in pairwise(facts):
            before = later.message.before
            counted = {"execution_count": 0}
            if before is None or before.model_copy(update=counted) != earlier.message.job.model_copy(update=counted):
                yield f"version {later.message.job.version} of job {job_id} does not follow from the one before"
        if latest[job_id].version != versions[-1]:
            yield f"the table has version {latest[job_id].version} of job {job_id}, its history {versions[-1]}"
    counts: dict[str, int] = defaultdict(int)
    for table in history.tabled:
        job = table.message.job
        if job.execution_count < counts[job.job_id]:
            yield f"the execution count of job {job.job_id} fell to {job.execution_count}"
        counts[job.job_id] = job.execution_count
