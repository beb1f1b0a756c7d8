"""A sink on the real database, in this process or, to be killed, in one of its own.

Run with a database's address, a service's and the number of entries in a batch, it sends until it is killed.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from horolog.adapters.system import SystemClock
from horolog.runtime.metrics import Metrics
from projections.audit_sink.pacing import Pauses
from projections.audit_sink.posting import Post
from projections.audit_sink.settings import SinkSettings
from projections.audit_sink.sink import AuditSink
from tests.integration.projections.audit_service import SECRET
from tests.integration.projections.world import DEADLINE_S

QUICK = Pauses(least_s=0.02, most_s=0.05, retry_after_s_max=1, held_s=0.05, look_s=0.01)


@dataclass(frozen=True, slots=True)
class Sending:
    """A sink at work, and its figures."""

    sink: AuditSink
    metrics: Metrics

    def figure(self, name: str, *labels: str) -> float | None:
        """One figure; None when it is not shown."""
        families = text_string_to_metric_families(self.metrics.render().decode())
        samples = [sample for family in families for sample in family.samples if sample.name == f"scheduler_{name}"]
        return next((sample.value for sample in samples if set(sample.labels.values()) == set(labels)), None)


@asynccontextmanager
async def sending(
    dsn: str, url: str, batch_count: int = 100, answer_s_max: float = DEADLINE_S, pauses: Pauses = QUICK
) -> AsyncIterator[Sending]:
    """A sink at work."""
    stop, metrics, clock = asyncio.Event(), Metrics(), SystemClock()
    settings = SinkSettings(url, SECRET, batch_count, answer_s_max, pauses=pauses)
    async with httpx.AsyncClient(trust_env=False) as http:
        sink = AuditSink(settings, dsn, (clock, lambda: 0.5), Post(http, settings, clock), metrics)
        task = asyncio.create_task(sink.run(stop))
        try:
            yield Sending(sink, metrics)
        finally:
            stop.set()
            async with asyncio.timeout(DEADLINE_S):
                await task


async def main(dsn: str, url: str, batch_count: int) -> None:
    """Send until killed."""
    async with sending(dsn, url, batch_count):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
