"""What can be wrong with a schedule: its expression or its time zone."""

from typing import Literal

FieldName = Literal["second", "minute", "hour", "day-of-month", "month", "day-of-week"]


class CronError(ValueError):
    """An expression that is refused.

    `field` names the offending field, or is None when the expression as a whole is wrong;
    `reason` is one sentence for the person who wrote it.
    """

    def __init__(self, field: FieldName | None, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason

    def __str__(self) -> str:
        return self.reason if self.field is None else f"{self.field}: {self.reason}"


class ZoneError(ValueError):
    """A time zone name that is not an IANA name of the pinned time zone data."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"{quoted(self.name)} is not an IANA time zone name (names are case-sensitive)."


def quoted(text: str) -> str:
    """The text as a short, printable ASCII quotation: at most about 40 characters of it."""
    return ascii(text if len(text) <= 40 else text[:37] + "...")
