"""How the tests look at what an import made of a source."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from horolog.cli.importing.port import Imported, Reader, Setting
from horolog.domain.cron import fires_between, parse, zone

UTC_SETTING = Setting("UTC")
START = datetime(2026, 1, 1, tzinfo=UTC)


def only(reader: Reader, text: str, setting: Setting = UTC_SETTING) -> Mapping[str, Any]:
    """The one document that a source becomes; nothing of it may be unmapped."""
    found = reader(text, setting)
    assert found.unmapped == ()
    (entry,) = found.entries
    return entry.document


def notes(reader: Reader, text: str, setting: Setting = UTC_SETTING) -> str:
    """The notes of the one entry, in one text."""
    found: Imported = reader(text, setting)
    assert found.unmapped == ()
    return "\n".join(found.entries[0].notes)


def reason(reader: Reader, text: str, setting: Setting = UTC_SETTING) -> str:
    """Why the one entry of a source is not mapped."""
    found = reader(text, setting)
    assert found.entries == ()
    (unmapped,) = found.unmapped
    return unmapped.reason


def fires(expression: str, count: int, start: datetime = START, zone_name: str = "UTC") -> list[str]:
    """The first instants of an expression after the start, as `month-day hour:minute:second` in UTC."""
    end = start + timedelta(days=3000)
    return [f"{one:%m-%d %H:%M:%S}" for one in fires_between(parse(expression), zone(zone_name), start, end, count)]
