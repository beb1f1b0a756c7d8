"""Mutants of the worker: which attempts it begins, when, and when it ends one."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

from horolog.log.port import Log, Record
from schemas.codec import type_of
from schemas.events.workers import AttemptRevoked, TaskAssigned
from schemas.jobs import JobType
from services.executor.beats import Heart
from services.executor.guard import RequestGuard
from services.executor.handover import HandOver
from services.executor.inbox import Inbox
from services.executor.settings import WorkerSettings
from services.executor.worker import Worker
from tests.sim.checks.fires import nothing_is_early, nothing_is_early_by_true_time
from tests.sim.checks.running import (
    attempts_run_once_where_they_were_sent,
    leases_hold,
    nothing_starts_after_it_was_forbidden,
    timeouts_hold,
)
from tests.sim.mutants.mutant import Mutant
from tests.sim.plan import Plan, draw_plan
from tests.sim.process import Process
from tests.sim.runner import SimRunner
from tests.sim.world import DRAIN_S

FOR_EVER_S = 1e6
_ADDRESS = re.compile(rb'"workerId":"[^"]*"')


class WorkerMutant(Mutant):
    """A wrong worker."""

    kind: ClassVar[type[Worker]]

    def worker(self, log: Log, process: Process, runner: SimRunner, capacity: int) -> Worker:
        settings = WorkerSettings(process.name, capacity=capacity, prefetch=capacity, drain_grace_s=DRAIN_S)
        return self.kind(log, process.clock, dict.fromkeys(JobType, runner), settings, guard=RequestGuard())


class _Hasty(Worker):
    def _take_in(self, hand_over: HandOver, earliest: float) -> None:
        task = hand_over.task
        sooner = task.model_copy(update={"not_before": task.not_before - timedelta(seconds=0.15)})
        super()._take_in(replace(hand_over, task=sooner), earliest - 0.15)


class AttemptsStartEarly(WorkerMutant):
    """A worker begins an attempt when it has it, a little before its instant."""

    kind = _Hasty
    caught_by = (nothing_is_early,)


class _Credulous(Worker):
    def _take_in(self, hand_over: HandOver, earliest: float) -> None:
        super()._take_in(hand_over, 0.0)


class OwnClockBelieved(WorkerMutant):
    """A worker relies on its wall clock alone, which may be ahead."""

    kind = _Credulous
    caught_by = (nothing_is_early_by_true_time,)

    def plan(self, seed: int) -> Plan:
        # Few seeds have a worker whose clock is ahead just when it gets a task: here clocks are stepped all the time.
        return replace(draw_plan(seed), faults=frozenset({"clock_step"}), fault_gap_s=1.0)


class _EndlessHeart(Heart):
    async def beat(self, partition: int) -> None:
        await super().beat(partition)
        self._lease_end = self._clock.monotonic() + FOR_EVER_S


class LeaseNotChecked(Mutant):
    """A worker that cannot reach the log for a lease goes on with its attempts."""

    caught_by = (leases_hold,)

    def worker(self, log: Log, process: Process, runner: SimRunner, capacity: int) -> Worker:
        worker = super().worker(log, process, runner, capacity)
        heart = worker._heart
        worker._heart = _EndlessHeart(log, process.clock, heart._settings, heart._vitals, heart._hand, heart._untold)
        return worker


class _Patient(Worker):
    def _end_overdue(self) -> None:
        return


class TimeoutNotEnforced(WorkerMutant):
    """A worker lets attempts go on that outlast their timeout."""

    kind = _Patient
    caught_by = (timeouts_hold,)

    def plan(self, seed: int) -> Plan:
        # Most attempts end by themselves.
        plan = draw_plan(seed)
        return replace(plan, jobs=tuple(replace(job, long_share=0.4, timeout_ms=500) for job in plan.jobs))


class _Deaf(Worker):
    def _revoke(self, revoked: AttemptRevoked) -> None:
        return


class RevocationIgnored(WorkerMutant):
    """A worker begins attempts that were taken back from it while they waited for room."""

    kind = _Deaf
    caught_by = (nothing_starts_after_it_was_forbidden,)

    def plan(self, seed: int) -> Plan:
        # An answer waits for what is about to start. Only what waits for room is still to be revoked after it.
        plan = draw_plan(seed)
        jobs = tuple(replace(job, long_share=0.8, timeout_ms=10_000, retry=None) for job in plan.jobs)
        counts = {**plan.counts, "executor": 1}
        return replace(plan, jobs=jobs, counts=counts, capacity=1, faults=frozenset(), command_gap_s=0.5)


class _Nosy(Inbox):
    def _message(self, record: Record) -> HandOver | AttemptRevoked | None:
        if record.value is not None and type_of(record.headers) == TaskAssigned.TYPE:
            record = replace(record, value=_ADDRESS.sub(b'"workerId":' + self._address, record.value))
        return super()._message(record)


class TasksOfOthersRun(Mutant):
    """A worker runs whatever lies in its inbox, which it shares with others."""

    caught_by = (attempts_run_once_where_they_were_sent,)

    def worker(self, log: Log, process: Process, runner: SimRunner, capacity: int) -> Worker:
        worker = super().worker(log, process, runner, capacity)
        worker._inbox = _Nosy(log, process.clock, process.name, worker._reporter.refused)
        return worker
