"""A ticker under another release of the time zone data: the past stays as it was, the future follows the new rules.

In the older release Kolkata is a quarter of an hour ahead of what it is; the scenarios begin at 17:30 there.
"""

import io
import logging
from datetime import datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from horolog.domain.cron import Zone, ZoneData, packaged_zone_data, tzdata_version
from horolog.log.port import Log, Outgoing
from schemas.codec import decode, headers_of
from schemas.events.fires import FireDue
from schemas.events.owners import OwnerCheckpointed, ZoneDataUse
from schemas.topics import FIRES, JOB_TABLE, partition_of
from services.ticker.ticker import TickerRole
from services.ticker.zone_data import USES_KEPT_COUNT_MAX, further_use
from tests.unit.deciding.kit import TENANT, at, definition, tabled, uuid_of
from tests.unit.owning.virtual import START, elapse, play
from tests.unit.owning.world import PARTITION_COUNT, checkpoints, new_log, owning, records

HOME = partition_of(TENANT, PARTITION_COUNT)
ALWAYS = datetime.fromisoformat("1970-01-01T00:00:00Z")
NOW = tzdata_version()


def quarter_ahead(name: str) -> Zone:
    rules = (resources.files("tzdata") / "zoneinfo" / "Asia" / "Kathmandu").read_bytes()
    return Zone(name, ZoneInfo.from_file(io.BytesIO(rules), key=name))


OLDER = ZoneData("2019a", quarter_ahead)


async def create_daily(log: Log, number: int, local_time: tuple[int, int]) -> None:
    hour, minute = local_time
    expression = f"0 {minute} {hour} * * *"
    message = tabled(definition(cron_expression=expression, timezone="Asia/Kolkata"), effective_from=START)
    message = message.model_copy(update={"job": message.job.model_copy(update={"job_id": uuid_of(number)})})
    headers, key = headers_of(message, "test", START), message.subject().encode()
    await log.append([Outgoing(JOB_TABLE.name, HOME, key, message.to_json(), headers)])


async def fired(log: Log) -> list[tuple[str, datetime]]:
    found = [decode(r.topic, r.headers, r.value) for r in await records(log, FIRES.name, HOME)]
    return [(m.job_id, m.scheduled_for) for m in found if isinstance(m, FireDue)]


async def tick(log: Log, role: TickerRole, until_s: float) -> OwnerCheckpointed:
    """Let a ticker of that release own everything until then; its last checkpoint of the jobs' partition."""
    async with owning(log, role, "a") as (owner,):
        await elapse(until_s - owner.clock.monotonic())
    return (await checkpoints(log, HOME))[-1]


def checkpoint(watermark: datetime, *used: tuple[str, datetime]) -> OwnerCheckpointed:
    uses = tuple(ZoneDataUse(version=version, after=after) for version, after in used)
    common = {"role": "ticker", "partition": 0, "owner": "a", "epoch": 1, "positions": {}}
    times = {"acquired_at": START, "at": watermark, "watermark": watermark}
    return OwnerCheckpointed.model_validate({**common, **times, "zone_data": uses})


def used_after(told: OwnerCheckpointed, data: ZoneData) -> list[tuple[str, datetime]]:
    assert told.watermark is not None
    return [(use.version, use.after) for use in further_use(data, told, told.watermark).used]


def test_after_a_new_release_nothing_past_fires_again_and_the_future_follows_the_new_rules() -> None:
    async def scenario() -> None:
        log = new_log()
        for number, local_time in enumerate([(17, 50), (18, 5), (17, 40)], 1):
            await create_daily(log, number, local_time)
        before = await tick(log, TickerRole(OLDER), 630)
        assert await fired(log) == [(uuid_of(1), at(300))]
        assert [use.version for use in before.zone_data] == ["2019a"]
        after = await tick(log, TickerRole(), 2400)
        # By the new rules 17:40 was at 600 s, which is decided; what the old ones would fire at 1200 s is not due.
        assert await fired(log) == [(uuid_of(1), at(300)), (uuid_of(1), at(1200)), (uuid_of(2), at(2100))]
        assert [(use.version, use.after) for use in after.zone_data] == [("2019a", ALWAYS), (NOW, before.watermark)]

    play(scenario())


def test_a_change_of_release_is_told_in_one_line_and_no_change_in_none(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        log = new_log()
        for role, until_s in ((TickerRole(OLDER), 10), (TickerRole(OLDER), 20), (TickerRole(), 30), (TickerRole(), 40)):
            await tick(log, role, until_s)

    with caplog.at_level(logging.WARNING, "services.ticker"):
        play(scenario())
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("services.ticker")]
    assert len(lines) == PARTITION_COUNT
    assert all("by time zone data 2019a" in line and f"by {NOW}" in line for line in lines)


def test_a_checkpoint_from_before_releases_were_told_begins_the_history_at_its_watermark(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert used_after(checkpoint(at(5)), packaged_zone_data()) == [(NOW, at(5))]
    assert caplog.records == []


def test_an_owner_that_decided_nothing_leaves_no_trace_in_the_history() -> None:
    told = checkpoint(at(9), ("2019a", ALWAYS), (NOW, at(9)))
    assert used_after(told, OLDER) == [("2019a", ALWAYS)]
    assert used_after(told, packaged_zone_data()) == [("2019a", ALWAYS), (NOW, at(9))]


def test_of_a_long_history_the_newest_part_is_kept() -> None:
    uses = [(f"{1990 + number}a", START + timedelta(days=number)) for number in range(USES_KEPT_COUNT_MAX)]
    kept = used_after(checkpoint(START + timedelta(days=99), *uses), packaged_zone_data())
    assert kept == [*uses[1:], (NOW, START + timedelta(days=99))]
