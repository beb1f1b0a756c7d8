"""Schedules with their own account of the instants that they name, which owes nothing to the product's evaluator.

Each is a text for the product and three sets of numbers for the oracle; the oracle tries every second of a window
through `zoneinfo` (see `tests/unit/cron/oracle.py`).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from tests.unit.cron import oracle

MINUTE = frozenset(range(60))
DAY = frozenset(range(24))
EDGES = (
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
)
"""Zones, and instants at which their clocks are turned."""
PLAIN_ZONES = ("UTC", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Chatham")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds, minutes and hours of every day in a zone. An interval follows elapsed time, others the wall clock."""

    text: str
    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    zone: str

    @property
    def is_interval(self) -> bool:
        return any(sign in field for field in self.text.split()[:3] for sign in "*/")

    def instants(self, after_s: int, until_s: int) -> list[int]:
        """The epoch seconds in (after, until] that it names."""
        return oracle.fires(self._names, self.is_interval, self.zone, after_s, until_s, 1)

    def _names(self, wall: datetime) -> bool:
        return wall.second in self.seconds and wall.minute in self.minutes and wall.hour in self.hours


def draw_schedule(random: Random, zones: tuple[str, ...]) -> Schedule:
    """Any schedule that names instants from every second to every minute."""
    zone = random.choice(zones)
    step = random.choice([1, 2, 3, 5, 7, 10, 15, 20, 30])
    every = frozenset(range(0, 60, step))
    match random.randrange(4):
        case 0 if step > 1:
            return Schedule(f"*/{step} * * * * *", every, MINUTE, DAY, zone)
        case 1:
            seconds = ",".join(str(s) for s in sorted(every))
            return Schedule(f"{seconds} 0-59 0-23 * * *", every, MINUTE, DAY, zone)
        case 2:
            second = random.randrange(60)
            return Schedule(f"{second} * * * * *", frozenset({second}), MINUTE, DAY, zone)
        case _:
            chosen = frozenset(random.sample(range(60), random.randint(2, 12)))
            text = ",".join(str(s) for s in sorted(chosen))
            return Schedule(f"{text} * * * * *", chosen, MINUTE, DAY, zone)


def draw_moment(random: Random, has_edge: bool) -> tuple[datetime, tuple[str, ...]]:
    """When the run begins, and the zones of its jobs: shortly before one of them turns its clocks, if so wanted."""
    if not has_edge:
        return NOON + timedelta(seconds=random.randrange(86_400), milliseconds=random.randrange(1000)), PLAIN_ZONES
    zone, edge = random.choice(EDGES)
    return edge - timedelta(seconds=random.randint(15, 50), milliseconds=random.randrange(1000)), (zone, zone, "UTC")
