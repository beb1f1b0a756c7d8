"""Figures that remember what they were told, and where a teller finds what it has to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from projections.writer import KnownStart
from schemas.events.executions import ExecutionEvent


@dataclass
class Told:
    """Every figure in the order of telling; the `ages` of batches follow from how they were cut."""

    dispatched: list[float] = field(default_factory=list)
    started: list[float] = field(default_factory=list)
    over: list[tuple[str, str, int]] = field(default_factory=list)
    ran: list[tuple[str, float]] = field(default_factory=list)
    tenants: set[str] = field(default_factory=set)
    finished: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list, compare=False)

    def attempt_dispatched(self, tenant_id: str, lateness_s: float) -> None:
        self.tenants.add(tenant_id)
        self.dispatched.append(lateness_s)

    def attempt_started(self, tenant_id: str, lateness_s: float) -> None:
        self.tenants.add(tenant_id)
        self.started.append(lateness_s)

    def executions_over(self, tenant_id: str, job_type: str, status: str, count: int = 1) -> None:
        self.tenants.add(tenant_id)
        self.over.append((job_type, status, count))

    def execution_ran(self, tenant_id: str, job_type: str, duration_s: float) -> None:
        self.tenants.add(tenant_id)
        self.ran.append((job_type, duration_s))

    def execution_finished(self, tenant_id: str, lateness_s: float) -> None:
        self.tenants.add(tenant_id)
        self.finished.append(lateness_s)

    def facts_applied(self, age_s: float) -> None:
        self.ages.append(age_s)


@dataclass
class Rows:
    """What the read models know, by execution; notes for how many executions it was asked."""

    known: Mapping[str, KnownStart] = field(default_factory=dict)
    asked_count: int = 0

    async def known_starts(self, events: Sequence[ExecutionEvent]) -> Mapping[str, KnownStart]:
        self.asked_count += len(events)
        return {e.execution_id: self.known.get(e.execution_id, KnownStart(False, None)) for e in events}
