"""Mutants of what was asked for: limits of runs, rates, queues, the reasons that are told, and versions."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from horolog.domain import overlap
from horolog.domain.execution import Execution
from schemas.base import Message
from schemas.commands import Command, TenantCommand
from schemas.events.executions import ExecutionCancelled, ExecutionSkipped, Reason
from schemas.events.jobs import JobChanged
from schemas.events.tenants import TenantChanged
from schemas.jobs import Job, Misfire, MisfirePolicy
from schemas.tenants import Tenant
from services.dispatcher import assignment, endings, executions, jobs, slots, tenants
from services.dispatcher.book import Book
from tests.sim.checks.commands import tenants_versions_rise_by_one, versions_rise_by_one
from tests.sim.checks.executions import max_executions_hold
from tests.sim.checks.overlaps import slots_and_queues_are_used
from tests.sim.checks.policies import catching_up_keeps_its_rate, reasons_are_borne_out
from tests.sim.mutants.mutant import Mutant, Swap
from tests.sim.plan import Plan, draw_plan, with_outage

_jobs_changed = jobs._changed
_tenants_changed = tenants._changed


def _uncounted(book: Book, job: Job, now: datetime) -> Iterator[Message]:
    return iter(())


class RunsNotCounted(Mutant):
    """The runs of a job that may run so often, and no more, are not counted."""

    swaps = (Swap(assignment, "_count", _uncounted),)
    caught_by = (max_executions_hold,)


def _at_once(misfire: Misfire, newest: Execution | None, now: datetime) -> datetime:
    return now


class CaughtUpAllAtOnce(Mutant):
    """What a job has to catch up with begins all at once, whatever its rate is."""

    swaps = (Swap(executions, "paced", _at_once),)
    caught_by = (catching_up_keeps_its_rate,)

    def plan(self, seed: int) -> Plan:
        # Few seeds have an outage, and fewer a job that catches up with more than one instant of it.
        plan = with_outage(draw_plan(seed))
        misfire = Misfire(policy=MisfirePolicy.ALL, max_age=3600, max_count=30, rate=0.5)
        return replace(plan, jobs=tuple(replace(job, misfire=misfire) for job in plan.jobs))


def _bounded_by_nothing(job: Job) -> int:
    return 1_000


class QueuesWithoutBounds(Mutant):
    """As many executions of a job wait for a slot as come, whatever its policy of overlap is."""

    swaps = (Swap(overlap, "waiting_max", _bounded_by_nothing),)
    caught_by = (slots_and_queues_are_used,)


def _for_overlap(
    book: Book, execution: Execution, reason: Reason, now: datetime, blocked_by: str | None = None
) -> ExecutionSkipped | ExecutionCancelled:
    return endings.given_up(book, execution, Reason.OVERLAP, now, blocked_by)


class EveryReasonIsOverlap(Mutant):
    """Whatever is given up before it began is said to have met another run of its job."""

    swaps = (Swap(slots, "given_up", _for_overlap),)
    caught_by = (reasons_are_borne_out,)


def _as_old_as_before(
    event: type[JobChanged], command: Command, before: Job | None, after: Job, now: datetime, settle: bool = False
) -> Sequence[Message]:
    if before is not None:
        before = before.model_copy(update={"version": before.version - 1})
    return _jobs_changed(event, command, before, after, now, settle)


class JobsVersionsStandStill(Mutant):
    """A job that is changed keeps its version."""

    swaps = (Swap(jobs, "_changed", _as_old_as_before),)
    caught_by = (versions_rise_by_one,)


def _no_newer(
    book: Book, event: type[TenantChanged], command: TenantCommand, known: Tenant | None, after: Tenant, now: datetime
) -> Sequence[Message]:
    if known is not None:
        after = after.model_copy(update={"version": known.version})
    return _tenants_changed(book, event, command, known, after, now)


class TenantsVersionsStandStill(Mutant):
    """A tenant that is changed keeps its version."""

    swaps = (Swap(tenants, "_changed", _no_newer),)
    caught_by = (tenants_versions_rise_by_one,)

    def plan(self, seed: int) -> Plan:
        return replace(draw_plan(seed), minds_tenants=True)
