"""Mutants of the dispatcher: what it takes for the same, whom it lets run and when, what it takes back."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from horolog.domain.execution import Execution
from horolog.domain.overlap import Standing, Verdict, judge
from horolog.domain.tenancy import why_not
from horolog.log.port import Log, Place, Record
from schemas.base import Message
from schemas.commands import Command, PauseJob
from schemas.events.executions import ExecutionCancelled, ExecutionSkipped, Reason, RetryScheduled
from schemas.events.fires import FireDue
from schemas.events.owners import OwnerCheckpointed
from schemas.events.results import AttemptReport
from schemas.events.workers import AttemptRevoked
from schemas.jobs import Job, JobStatus
from schemas.tenants import TenantSettings, TenantState
from services.dispatcher import endings, slots, tenancy
from services.dispatcher.book import Book
from services.dispatcher.dispatcher import Dispatcher, DispatcherRole
from services.dispatcher.partition import DispatcherPartition
from services.ticker.ticker import Ticker
from tests.sim.campaign import judged
from tests.sim.checks.commands import commands_are_applied_once
from tests.sim.checks.executions import (
    ends_follow_from_reports,
    histories_are_legal,
    losses_are_real,
    retries_keep_the_policy,
)
from tests.sim.checks.fires import every_owed_instant_is_decided_once
from tests.sim.checks.liveness import commands_are_answered, executions_end, nothing_is_defective
from tests.sim.checks.owners import poison_is_told_once
from tests.sim.checks.policies import nothing_runs_twice_at_most_once
from tests.sim.checks.running import (
    max_concurrent_holds,
    nothing_of_a_closed_tenant_starts,
    nothing_starts_after_it_was_forbidden,
)
from tests.sim.mutants.mutant import Mutant, Swap
from tests.sim.mutants.ticking import with_each_fire_twice
from tests.sim.plan import Plan, draw_plan
from tests.sim.process import Process
from tests.sim.world import OPEN, Pieces, played


class _Role(DispatcherRole):
    """Takes partitions as a dispatcher does, and makes wrong ones of them."""

    def __init__(self, partition: type[DispatcherPartition], book: type[Book]) -> None:
        super().__init__(defaults=OPEN)
        self._partition = partition
        self._book = book

    async def rebuild(
        self, log: Log, partition: int, checkpoint: OwnerCheckpointed | None, now: datetime
    ) -> tuple[DispatcherPartition, Mapping[str, int]]:
        right, positions = await super().rebuild(log, partition, checkpoint, now)
        book = self._book(partition)
        vars(book).update(vars(right.book))
        return self._partition(book, log.partition_count), positions


class DispatcherMutant(Mutant):
    """A dispatcher whose partitions, or their books, are wrong ones."""

    partition: ClassVar[type[DispatcherPartition]] = DispatcherPartition
    book: ClassVar[type[Book]] = Book

    def dispatcher(self, log: Log, process: Process) -> Dispatcher:
        dispatcher = super().dispatcher(log, process)
        dispatcher.owner.role = _Role(self.partition, self.book)
        return dispatcher


class _FromTheEnd(DispatcherRole):
    async def rebuild(
        self, log: Log, partition: int, checkpoint: OwnerCheckpointed | None, now: datetime
    ) -> tuple[DispatcherPartition, Mapping[str, int]]:
        state, _ = await super().rebuild(log, partition, checkpoint, now)
        ends = await log.ends([Place(topic, partition) for topic in self.inputs])
        return state, {place.topic: position for place, position in ends.items()}


class InputsReadFromTheEnd(Mutant):
    """A dispatcher that takes a partition reads its inputs from their ends, and not from the checkpoint's positions."""

    caught_by = (commands_are_answered, every_owed_instant_is_decided_once)

    def dispatcher(self, log: Log, process: Process) -> Dispatcher:
        dispatcher = super().dispatcher(log, process)
        dispatcher.owner.role = _FromTheEnd(defaults=OPEN)
        return dispatcher


class _LateReplay(Book):
    def replay_from(self) -> int:
        return self.log_mark


class ReplayFromTooLate(DispatcherMutant):
    """The checkpoint names a place to replay the ledger from that comes after events of what is still open."""

    book = _LateReplay
    caught_by = (executions_end, histories_are_legal)


class _Stuttered(Pieces):
    """The product, but for its tickers."""

    def ticker(self, log: Log, process: Process) -> Ticker:
        return with_each_fire_twice(super().ticker(log, process))


class _FiresAnew(DispatcherPartition):
    def _decide(self, message: Message, now: datetime) -> Sequence[Message]:
        if not isinstance(message, FireDue):
            return super()._decide(message, now)
        known = self.book.executions.pop(message.fire_id, None)
        try:
            return super()._decide(message, now)
        finally:
            if known is not None:
                self.book.executions[message.fire_id] = known


class FiresNotRecognised(DispatcherMutant):
    """A fire that was admitted already is admitted again."""

    partition = _FiresAnew
    caught_by = (histories_are_legal, every_owed_instant_is_decided_once)

    def ticker(self, log: Log, process: Process) -> Ticker:
        # No ticker writes a fire twice: what recognises one is a second line, which would be left without work.
        return with_each_fire_twice(super().ticker(log, process))

    def alarms_of(self, seed: int) -> frozenset[str]:
        return frozenset(breach.check for breach in judged(played(self.plan(seed), _Stuttered())).breaches)


class _CommandsAnew(DispatcherPartition):
    def _decide(self, message: Message, now: datetime) -> Sequence[Message]:
        if isinstance(message, Command):
            return self._decide_command(message, now)
        return super()._decide(message, now)


class CommandsNotRecognised(DispatcherMutant):
    """A command that was answered already is decided on again."""

    partition = _CommandsAnew
    caught_by = (commands_are_applied_once,)


class _HastyBook(Book):
    def lapsed(self, now: datetime) -> list[Execution]:
        return super().lapsed(now + timedelta(seconds=6.5))


class LostTooEarly(DispatcherMutant):
    """Attempts are held to be lost when no beat has named them for a third of a lease."""

    book = _HastyBook
    caught_by = (losses_are_real,)


class _AnyAttempt(DispatcherPartition):
    def _decide(self, message: Message, now: datetime) -> Sequence[Message]:
        if isinstance(message, AttemptReport):
            message = self._of_the_latest(message)
        return super()._decide(message, now)

    def _of_the_latest(self, report: AttemptReport) -> AttemptReport:
        execution = self.book.executions.get(report.execution_id)
        if execution is None or not execution.in_flight:
            return report
        return report.model_copy(update={"attempt": execution.attempt, "worker_id": execution.worker_id})


class LateResultAccepted(DispatcherMutant):
    """What an older attempt reports is taken for the report of the latest one."""

    partition = _AnyAttempt
    caught_by = (ends_follow_from_reports,)


class _DeafToCancellations(Book):
    def apply(self, message: Message) -> None:
        execution = self.executions.get(message.execution_id) if isinstance(message, ExecutionCancelled) else None
        if execution is None or execution.in_flight:
            super().apply(message)


class CancelledAndHandedOut(DispatcherMutant):
    """A waiting execution is cancelled, which is acknowledged, and is still handed to a worker."""

    book = _DeafToCancellations
    caught_by = (nothing_starts_after_it_was_forbidden, histories_are_legal)


def _judged_as_active(job: Job, standing: Standing, now: datetime) -> Verdict:
    if job.status is JobStatus.PAUSED:
        job = job.model_copy(update={"status": JobStatus.ACTIVE})
    return judge(job, standing, now)


class _PausesLater(DispatcherPartition):
    def _decide_command(self, command: Command, now: datetime) -> Sequence[Message]:
        decided = super()._decide_command(command, now)
        if not isinstance(command, PauseJob):
            return decided
        return [message for message in decided if not isinstance(message, ExecutionSkipped | AttemptRevoked)]


class PauseNotHonoured(DispatcherMutant):
    """The fires of a job that were planned when it was paused run all the same."""

    partition = _PausesLater
    swaps = (Swap(slots, "judge", _judged_as_active),)
    caught_by = (nothing_starts_after_it_was_forbidden,)


def _as_if_active(job: Job, state: TenantState, settings: TenantSettings) -> Reason | None:
    return why_not(job, TenantState.ACTIVE, settings)


class SuspensionNotHonoured(DispatcherMutant):
    """A suspended tenant loses what waits at that moment, and what comes later runs."""

    swaps = (Swap(tenancy, "why_not", _as_if_active),)
    caught_by = (nothing_of_a_closed_tenant_starts,)

    def plan(self, seed: int) -> Plan:
        return replace(draw_plan(seed), minds_tenants=True)


def _judged_with_one_more(job: Job, standing: Standing, now: datetime) -> Verdict:
    wider = {"max_concurrent": job.definition.max_concurrent + 1}
    return judge(job.model_copy(update={"definition": job.definition.model_copy(update=wider)}), standing, now)


class OneTooManyAtATime(DispatcherMutant):
    """One more execution of a job than `maxConcurrent` allows may go on at a time."""

    swaps = (Swap(slots, "judge", _judged_with_one_more),)
    caught_by = (max_concurrent_holds,)


class _ImpatientBook(Book):
    def apply(self, message: Message) -> None:
        if isinstance(message, RetryScheduled):
            message = message.model_copy(update={"retry_at": message.at})
        super().apply(message)


class RetryDelayIgnored(DispatcherMutant):
    """The ledger says when an attempt is tried again, and the dispatcher does not wait until then."""

    book = _ImpatientBook
    caught_by = (retries_keep_the_policy,)


def _always(book: Book, execution: Execution) -> bool:
    return True


class AtMostOnceRunAgain(DispatcherMutant):
    """An attempt that was lost with its worker is tried again, though its job is to be delivered at most once."""

    swaps = (Swap(endings, "may_repeat", _always),)
    caught_by = (nothing_runs_twice_at_most_once,)


class _Fragile(DispatcherPartition):
    def _refuse(self, record: Record, reason: str, now: datetime) -> None:
        raise ValueError(reason)


class PoisonStopsThePartition(DispatcherMutant):
    """A record that cannot be understood makes the turn fail, for every owner in the same way."""

    partition = _Fragile
    caught_by = (nothing_is_defective, poison_is_told_once, commands_are_answered)


class _Silent(DispatcherPartition):
    def _refuse(self, record: Record, reason: str, now: datetime) -> None:
        return


class PoisonDroppedSilently(DispatcherMutant):
    """A record that cannot be understood is passed over, and nobody is told."""

    partition = _Silent
    caught_by = (poison_is_told_once,)
