"""A slow reference: the rules of daylight saving, tried on every tick of a window.

It shares nothing with the engine: schedules are predicates on naive local times, offsets and folds come
straight from `zoneinfo`, and every tick of the window, and of every gap in it, is looked at.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

Matches = Callable[[datetime], bool]

DAY_S = 86_400


@cache
def rules_of(name: str) -> ZoneInfo:
    """The packaged rules of a zone, whatever the system has installed."""
    with (resources.files("tzdata") / "zoneinfo" / name).open("rb") as source:
        return ZoneInfo.from_file(source, key=name)


@cache
def transitions(name: str, year: int) -> tuple[int, ...]:
    """The instants of a year at which the zone's offset changes, in epoch seconds."""
    rules, found = rules_of(name), []
    start = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    before = datetime.fromtimestamp(start, rules).utcoffset()
    for moment in range(start + 1800, start + 366 * DAY_S, 1800):
        offset = datetime.fromtimestamp(moment, rules).utcoffset()
        if offset != before:
            exact = moment
            while datetime.fromtimestamp(exact - 1, rules).utcoffset() == offset:
                exact -= 1
            found.append(exact)
        before = offset
    return tuple(found)


def fires(matches: Matches, interval: bool, name: str, after: int, until: int, tick: int) -> list[int]:
    """All fires in (after, until]; `tick` seconds apart is the finest the schedule and the zone go."""
    found = []
    shown = _wall(name, after)
    for moment in range(after + tick, until + 1, tick):
        wall = _wall(name, moment)
        caught_up = not interval and any(map(matches, _missing(shown, wall, tick)))
        first_pass = wall.fold == 0
        naive = wall.replace(tzinfo=None)
        if caught_up or (matches(naive) and (interval or first_pass)):
            found.append(moment)
        shown = wall
    return found


def _wall(name: str, moment: int) -> datetime:
    return datetime.fromtimestamp(moment, rules_of(name))


def _missing(shown: datetime, wall: datetime, tick: int) -> Iterator[datetime]:
    step = timedelta(seconds=tick)
    nominal = shown.replace(tzinfo=None, fold=0) + step
    end = wall.replace(tzinfo=None, fold=0)
    if end - nominal >= timedelta(days=1):
        return
    while nominal < end:
        yield nominal
        nominal += step
