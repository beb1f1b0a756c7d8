"""Every zone over ten years: the engine against a walker that looks at the wall clock tick by tick.

`python -m tests.unit.cron.zones` looks around every transition of every zone, at many stretches elsewhere, and at
every hour of the ten years for a transition that the engine does not know; it takes minutes, and tells its figures.
A sample of it belongs to the tests. The walker shares nothing with the engine: offsets and folds come from
`zoneinfo`, schedules are predicates. It walks each window once for all schedules that are tried there.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import pairwise
from random import Random
from time import process_time
from typing import NamedTuple

from horolog.domain.cron import count_between, fires_between_s, next_after_s, parse, previous_before_s, zone, zone_names
from tests.unit.cron.cases import Dates, Schedule, Values
from tests.unit.cron.oracle import DAY_S, rules_of

YEARS = range(2024, 2034)
BEGIN_S = int(datetime(YEARS.start, 1, 1, tzinfo=UTC).timestamp())
END_S = int(datetime(YEARS.stop, 1, 1, tzinfo=UTC).timestamp())
HOUR_S, MINUTE_S = 3600, 60
SINGLE_STEPS = 25

Transition = tuple[int, int]
"""The instant, and by how many seconds the clock is put forward there."""


class Tick(NamedTuple):
    """One moment: what the clock shows, whether for the first time, and what it has skipped (in less than a day)."""

    moment: int
    wall: datetime
    is_first: bool
    skipped: Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Width:
    """How far from a transition to look, how many windows elsewhere, and how many schedules to try near transitions."""

    minutes_s: int
    seconds_s: int
    schedule_count: int
    elsewhere_count: int
    elsewhere_s: int


WHOLE = Width(minutes_s=26 * HOUR_S, seconds_s=4500, schedule_count=3, elsewhere_count=10, elsewhere_s=2 * DAY_S)
SAMPLE = Width(minutes_s=3 * HOUR_S, seconds_s=0, schedule_count=2, elsewhere_count=1, elsewhere_s=6 * HOUR_S)


@dataclass(slots=True)
class Figures:
    """What was looked at. `mismatches` are told as text."""

    zone_count: int = 0
    distinct_count: int = 0
    transition_count: int = 0
    window_count: int = 0
    tick_count: int = 0
    instant_count: int = 0
    mismatches: list[str] = field(default_factory=list)


def transitions_of(name: str) -> list[Transition]:
    """Every transition of the ten years: looked for hour by hour, then placed to the second."""
    found, before = [], _offset(name, BEGIN_S)
    for moment in range(BEGIN_S + HOUR_S, END_S, HOUR_S):
        offset = _offset(name, moment)
        if offset != before:
            exact = next(s for s in range(moment - HOUR_S + 1, moment + 1) if _offset(name, s) == offset)
            found.append((exact, offset - before))
        before = offset
    return found


def unknown_transitions(name: str, transitions: Sequence[Transition]) -> list[str]:
    """Where the engine's stretches change but the clock does not, or the other way round."""
    known, place, moment = [], zone(name), BEGIN_S
    before = place.stretch_at(moment)
    while (moment := before.end) < END_S:
        stretch = place.stretch_at(moment)
        if stretch.offset != before.offset:
            known.append((moment, stretch.offset - before.offset))
        before = stretch
    return [f"{name}: transition {one}" for one in sorted({*known} ^ {*transitions})]


def look_around(name: str, transition: Transition, width: Width, draw: Random, figures: Figures) -> None:
    """Try schedules around one transition, to the minute and, nearer to it, to the second."""
    moment, shift_s = transition
    figures.transition_count += 1
    hour = datetime.fromtimestamp(moment, rules_of(name)).hour
    minutes = [_schedule(draw, hour, 0) for _ in range(width.schedule_count)]
    start = moment - width.minutes_s + draw.randrange(-30, 30) * MINUTE_S
    _compare(name, minutes, (start, moment + width.minutes_s + abs(shift_s), MINUTE_S), figures)
    if width.seconds_s:
        seconds = [_schedule(draw, hour, 60) for _ in range(width.schedule_count)]
        start = moment - width.seconds_s + draw.randrange(-300, 300)
        _compare(name, seconds, (start, moment + width.seconds_s, 1), figures)


def look_elsewhere(name: str, width: Width, draw: Random, figures: Figures) -> None:
    """Try schedules somewhere in the ten years."""
    for _ in range(width.elsewhere_count):
        start = draw.randrange(BEGIN_S, END_S - width.elsewhere_s) // MINUTE_S * MINUTE_S
        schedules = [_schedule(draw, draw.randrange(24), 0) for _ in range(2)]
        _compare(name, schedules, (start, start + width.elsewhere_s, MINUTE_S), figures)


def look_at_all(names: Iterable[str], seed: int) -> Figures:
    """Everything in the whole width. Names of the same rules share one walk, but each has to know its transitions."""
    figures, walked = Figures(), dict[bytes, list[Transition]]()
    for name in names:
        rules = (resources.files("tzdata") / "zoneinfo" / name).read_bytes()
        is_alias = rules in walked
        if not is_alias:
            walked[rules] = transitions_of(name)
        transitions = walked[rules]
        figures.zone_count += 1
        figures.mismatches += unknown_transitions(name, transitions)
        if is_alias:
            continue
        draw = Random(f"{seed} {name}")
        figures.distinct_count += 1
        for transition in transitions:
            look_around(name, transition, WHOLE, draw, figures)
        look_elsewhere(name, WHOLE, draw, figures)
    return figures


def look_at_sample(names: Iterable[str], seed: int) -> Figures:
    """Of each zone one transition that the engine knows, if there is one, and one stretch elsewhere."""
    figures = Figures()
    for name in names:
        draw = Random(f"{seed} {name}")
        figures.zone_count += 1
        stretch = zone(name).stretch_at(draw.randrange(BEGIN_S, END_S))
        while (following := zone(name).stretch_at(stretch.end)).offset == stretch.offset and stretch.end < END_S:
            stretch = following
        if following.offset != stretch.offset:
            look_around(name, (stretch.end, following.offset - stretch.offset), SAMPLE, draw, figures)
        look_elsewhere(name, SAMPLE, draw, figures)
    return figures


def walk(name: str, after: int, until: int, tick: int) -> list[Tick]:
    """Every tick in (after, until]."""
    found, rules, step = [], rules_of(name), timedelta(seconds=tick)
    shown = datetime.fromtimestamp(after, rules).replace(tzinfo=None, fold=0)
    for moment in range(after + tick, until + 1, tick):
        read = datetime.fromtimestamp(moment, rules)
        wall = read.replace(tzinfo=None, fold=0)
        skipped: list[datetime] = []
        if step < wall - shown < timedelta(days=1) + step:
            skipped = [shown + step * number for number in range(1, (wall - shown) // step)]
        found.append(Tick(moment, wall, read.fold == 0, skipped))
        shown = wall
    return found


def expected(schedule: Schedule, ticks: Iterable[Tick]) -> list[int]:
    """The fires of a schedule, by the rules of daylight saving, tick by tick."""
    if schedule.interval:
        return [tick.moment for tick in ticks if schedule.matches(tick.wall)]
    return [
        tick.moment
        for tick in ticks
        if (tick.is_first and schedule.matches(tick.wall)) or any(map(schedule.matches, tick.skipped))
    ]


def _compare(name: str, schedules: Sequence[Schedule], window: tuple[int, int, int], figures: Figures) -> None:
    after, until, tick = window
    ticks, place = walk(name, after, until, tick), zone(name)
    figures.window_count += 1
    figures.tick_count += len(ticks)
    for schedule in schedules:
        spec, wanted = parse(schedule.text), expected(schedule, ticks)
        figures.instant_count += len(wanted)
        agreed = fires_between_s(spec, place, after, until, len(ticks) + 1) == wanted
        agreed &= count_between(spec, place, after, until, len(ticks) + 1) == len(wanted)
        for earlier, later in pairwise([after, *wanted[:SINGLE_STEPS]]):
            agreed &= next_after_s(spec, place, earlier) == later
        for earlier, later in pairwise(wanted[-SINGLE_STEPS:]):
            agreed &= previous_before_s(spec, place, later) == earlier
        if not agreed:
            figures.mismatches.append(f"{name}: {schedule.text!r} in ({after}, {until}]")


def _schedule(draw: Random, hour: int, seconds: int) -> Schedule:
    """A schedule that fires around this hour, fixed or interval; to the second where `seconds` is 60."""
    near = [(hour + shift) % 24 for shift in (-1, 0, 1)]
    second = _values(draw, seconds) if seconds else Values("0", frozenset({0}))
    wrapped = Values(f"{near[0]}-{near[2]}", frozenset(near))
    one = draw.choice(near)
    listed = Values(f"{one},{near[1]}", frozenset({one, near[1]}))
    every = Values("*", frozenset(range(24)))
    days = Dates("*", None)
    weekday = draw.choice([days, days, Dates("SAT-MON", lambda day: day.isoweekday() in (6, 7, 1))])
    months = Values("*", frozenset(range(1, 13)))
    return Schedule(second, _values(draw, 60), draw.choice([wrapped, listed, listed, every]), days, months, weekday)


def _values(draw: Random, size: int) -> Values:
    start, step = draw.randrange(size), draw.choice([1, 5, 7, 15, 30])
    return draw.choice(
        [
            Values(f"{start}", frozenset({start})),
            Values(f"0,30,{start}", frozenset({0, 30, start})),
            Values(f"{start}-{size - 1}", frozenset(range(start, size))),
            Values(f"*/{step}", frozenset(range(0, size, step))),
            Values(f"{start}/{step}", frozenset(range(start, size, step))),
        ]
    )


def _offset(name: str, moment: int) -> int:
    offset = datetime.fromtimestamp(moment, rules_of(name)).utcoffset()
    assert offset is not None
    return offset // timedelta(seconds=1)


def main() -> int:
    """The whole; 0 when nothing differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.unit.cron.zones", description=look_at_all.__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every N-th zone")
    asked = parser.parse_args()
    figures = look_at_all(sorted(zone_names())[:: asked.every], asked.seed)
    for mismatch in figures.mismatches:
        print(mismatch, file=sys.stderr)
    print(
        f"{figures.zone_count} zones ({figures.distinct_count} different), {YEARS.start}-{YEARS.stop}: "
        f"{figures.transition_count} transitions, "
        f"{figures.window_count} windows, {figures.tick_count} ticks, {figures.instant_count} instants compared, "
        f"{len(figures.mismatches)} mismatches, {process_time() / 60:.1f} minutes of CPU"
    )
    return 1 if figures.mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
