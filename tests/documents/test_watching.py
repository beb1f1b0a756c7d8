"""Seeing it on one machine, as `docs/monitoring.md` has it: a fault on the dashboard, its alert, its notification.

Everything is a process of its own on real servers, Prometheus included. Its configuration and rules are those of
deploy/prometheus, but for the intervals, how long alerts have to last, and the windows of rates.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from deploy.grafana.dashboard import PATH
from tests.documents.blocks import block
from tests.documents.installation import PARTITION_COUNT, Installation
from tests.integration.monitoring.quick import Prometheus, Series, asking
from tests.integration.monitoring.test_scraping import asked_now, until

PAGE = "docs/monitoring.md"
ALERT = "ScheduleOverdue"

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(500)]


@dataclass(frozen=True, slots=True)
class Watcher:
    """Somebody who looks at the dashboard, at the alerts, and at what the receiver tells."""

    there: Installation
    prometheus: Prometheus

    async def drawn(self, title: str) -> list[Series]:
        """What the queries of the dashboard's panel find at present."""
        panels = json.loads(PATH.read_text(encoding="utf-8"))["panels"]
        [panel] = [one for one in panels if one["title"] == title and "targets" in one]
        found = [await self.prometheus.series(asked_now(target["expr"])) for target in panel["targets"]]
        return [one for series in found for one in series]

    async def sees(self, title: str, holds: Callable[[Sequence[Series]], bool]) -> None:
        """Wait until the panel shows it."""
        try:
            await until(lambda: self._shows(title, holds))
        except TimeoutError:
            pytest.fail(f"{title}: {await self.drawn(title)}")

    async def hears(self, line: str) -> None:
        """Wait until the receiver has told this."""
        try:
            await until(lambda: self._told(line))
        except TimeoutError:
            pytest.fail(f"no {line} after {self.there.received()}")

    async def alarmed(self, name: str, is_firing: bool) -> None:
        """Wait until the alert fires, or does no longer."""
        try:
            await until(lambda: self._is_firing(name, is_firing))
        except TimeoutError:
            pytest.fail(f"firing: {sorted(await self.prometheus.firing())}")

    async def _shows(self, title: str, holds: Callable[[Sequence[Series]], bool]) -> bool:
        return holds(await self.drawn(title))

    async def _told(self, line: str) -> bool:
        return line in self.there.received()

    async def _is_firing(self, name: str, is_firing: bool) -> bool:
        return (name in await self.prometheus.firing()) is is_firing


def failures(drawn: Sequence[Series]) -> float:
    """How many executions fail in a second."""
    return sum(one.value for one in drawn if one.labels.get("status") == "failed")


def decided(drawn: Sequence[Series]) -> float:
    """How many partitions have a dispatcher."""
    return sum(one.value for one in drawn if one.labels["role"] == "dispatcher")


def value(drawn: Sequence[Series]) -> float:
    """The figure of a panel that has one; no number while it has none."""
    return drawn[0].value if drawn else math.nan


async def test_fault_is_drawn_fires_its_alert_and_is_told_until_it_is_mended(installation: Installation) -> None:
    async with asking(installation.url(9090)) as prometheus:
        watcher = Watcher(installation, prometheus)
        await watcher.sees("Owners timeline", lambda drawn: decided(drawn) == PARTITION_COUNT)

        installation.run(block(PAGE, "sh", 3))
        await watcher.hears("job.failed shop")
        await watcher.sees("Ledger outcomes", lambda drawn: failures(drawn) > 0)
        await watcher.sees("Success rate", lambda drawn: 0 < value(drawn) < 1)
        await watcher.sees("Schedules overdue", lambda drawn: value(drawn) == 0)
        assert ALERT not in await prometheus.fired()
        assert "job.recovered shop" not in installation.received()

        installation.run(block(PAGE, "sh", 4))
        await watcher.sees("Owners timeline", lambda drawn: decided(drawn) == 0)
        await watcher.alarmed("PartMissing", is_firing=True)
        await watcher.sees("Schedules overdue", lambda drawn: value(drawn) >= 2)
        await watcher.alarmed(ALERT, is_firing=True)

        installation.run(block(PAGE, "sh", 5))
        await watcher.sees("Owners timeline", lambda drawn: decided(drawn) == PARTITION_COUNT)
        await watcher.sees("Schedules overdue", lambda drawn: value(drawn) == 0)
        await watcher.alarmed(ALERT, is_firing=False)
        await watcher.alarmed("PartMissing", is_firing=False)
        await watcher.hears("job.recovered shop")
        await watcher.sees("Ledger outcomes", lambda drawn: failures(drawn) == 0)


def test_receiver_tells_of_nothing_that_is_not_signed(installation: Installation) -> None:
    before = installation.received()
    forged = (
        "import httpx, time; signed = {'webhook-id': 'a', 'webhook-timestamp': str(int(time.time())), "
        "'webhook-signature': 'v1,AAAA'}; "
        f"print(httpx.post('{installation.url(8098)}', content=b'x', headers=signed, trust_env=False).status_code)"
    )
    assert installation.terminal.run(f'.venv/bin/python -c "{forged}"') == "401\n"
    assert installation.received() == before
