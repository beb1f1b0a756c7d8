"""Instants in messages: any offset is taken, UTC is kept, and what UTC cannot name is refused as any bad value is."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.base import UtcTime

INSTANT: TypeAdapter[datetime] = TypeAdapter(UtcTime)


def test_an_instant_with_an_offset_is_kept_in_utc() -> None:
    kept = INSTANT.validate_json('"2026-03-29T02:30:00+02:00"')
    assert (kept, kept.tzinfo) == (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), UTC)


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-29T02:30:00", "soon"]
)
def test_an_instant_that_utc_cannot_name_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        INSTANT.validate_json(f'"{text}"')
