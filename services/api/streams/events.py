"""What a stream of events tells: the facts of a tenant that were asked for.

Guarantee: a caller within tags is told of jobs within them only, by their tags at present.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from projections.views import ReadModelUnavailable
from services.api.streams import frames
from services.api.streams.facts import Fact
from services.api.streams.hub import Ended, Found
from services.api.streams.spots import Spot, id_of

Within = Callable[[Sequence[str]], Awaitable[Sequence[str]]]
"""Which of these jobs a caller reaches."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be told."""

    tenant_id: str
    types: frozenset[str]
    job_id: str | None = None
    execution_id: str | None = None

    def takes(self, fact: Fact) -> bool:
        """Whether the fact is wanted."""
        is_job = self.job_id in (None, fact.job_id)
        return fact.type in self.types and is_job and self.execution_id in (None, fact.execution_id)


class EventTeller:
    """Implements `Teller` for events; without `within` its caller reaches all jobs."""

    def __init__(self, tenant_id: str, partition_count: int, within: Within | None) -> None:
        self._tenant_id = tenant_id
        self._partition_count = partition_count
        self._within = within

    def id_at(self, spot: Spot) -> str:
        return id_of(spot, self._tenant_id, self._partition_count)

    async def told(self, found: Sequence[Found]) -> AsyncIterator[tuple[str, bytes]]:
        for one in await self._reached(found):
            id_ = self.id_at(one.spot)
            yield id_, frames.event(id_, one.fact.type, one.fact.data)

    async def _reached(self, found: Sequence[Found]) -> Sequence[Found]:
        if self._within is None or not found:
            return found
        job_ids = sorted({one.fact.job_id for one in found if one.fact.job_id is not None})
        try:
            reached = frozenset(await self._within(job_ids))
        except ReadModelUnavailable:
            raise Ended("DATABASE_UNAVAILABLE") from None
        return [one for one in found if one.fact.job_id in reached]
