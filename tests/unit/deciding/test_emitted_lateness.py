"""The ticker tells how late each of its fires was committed, by the clock after the commit."""

from dataclasses import dataclass
from datetime import datetime

from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.owner import OwnerSettings
from services.ticker.partition import TickerPartition
from services.ticker.ticker import Ticker
from tests.unit.deciding.kit import HOME, PARTITIONS, TENANT, at, definition, record, tabled


@dataclass
class LateClock(SystemClock):
    """It stays where it was put."""

    instant: datetime

    def now(self) -> datetime:
        return self.instant


async def test_fires_are_told_with_their_lateness_and_missed_ranges_are_not() -> None:
    told: list[tuple[str, float]] = []
    log = EmbeddedLog.open(None, SystemClock(), PARTITIONS)
    ticker = Ticker(log, LateClock(at(1801.5)), OwnerSettings("a"), lambda *fire: told.append(fire))
    schedule = [record(tabled(definition(cron_expression="0 */5 * * * *")))]
    # Five instants that are missed, the last one that fires, and nothing more.
    ticker.owner.on_commit(TickerPartition(HOME, None).turn(schedule, at(1800)).outputs)
    assert told == [(TENANT, 1.5)]
    await log.close()
