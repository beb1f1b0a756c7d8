"""IANA time zones as stretches of constant offset.

Only the names and rules of the `tzdata` package count, never the system's copy: two nodes with the same
pinned package agree on every instant, whatever PYTHONTZPATH or the operating system says. Names are matched
exactly against the package's list, so no name ever reaches the file system unchecked.
Guarantee: `stretch_at` answers for every integer; stretches are found lazily, about a year at a time, and
at most `_CHUNK_COUNT_MAX` of these are kept per zone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from importlib import import_module, resources
from typing import NamedTuple
from zoneinfo import ZoneInfo

from horolog.domain.cron.errors import ZoneError

FIRST_S = int(datetime.min.replace(tzinfo=UTC).timestamp())
LAST_S = int(datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp())

_DAY_S = 86_400
_CHUNK_SHIFT = 25
_CHUNK_COUNT_MAX = 256
# Shorter than the closest pair of transitions in the data (6.95 days), so that sampling cannot miss one.
_SAMPLE_S = 4 * _DAY_S
# ZoneInfo cannot name a local time outside the years 1 to 9999; the edge offset holds beyond these.
_FIRST_SAMPLE_S = FIRST_S + 2 * _DAY_S
_LAST_SAMPLE_S = LAST_S - 2 * _DAY_S


class Stretch(NamedTuple):
    """[start, end) in epoch seconds with one UTC offset; `shown` is how far the wall clock ever got before.

    At a gap `shown` is smaller than `start + offset`, at an overlap greater.
    """

    start: int
    end: int
    offset: int
    shown: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone of the pinned data; equal by name. Made by `zone` only."""

    name: str
    _info: ZoneInfo = field(compare=False, repr=False)
    _chunks: dict[int, tuple[Stretch, ...]] = field(default_factory=dict, compare=False, repr=False)

    def stretch_at(self, epoch_s: int) -> Stretch:
        """The stretch that holds an instant; long ones are cut up, without gap or overlap at the cut."""
        number = epoch_s >> _CHUNK_SHIFT
        chunk = self._chunks.get(number)
        if chunk is None:
            chunk = self._load(number)
        for stretch in chunk:
            if epoch_s < stretch[1]:
                return stretch
        raise AssertionError(f"{self.name} has no stretch at {epoch_s}")

    def _load(self, number: int) -> tuple[Stretch, ...]:
        start, end = number << _CHUNK_SHIFT, (number + 1) << _CHUNK_SHIFT
        # One sample early: a transition shortly before the chunk still decides what was shown.
        origin = start - _SAMPLE_S
        offset = self._offset(origin)
        shown = origin + offset
        stretches: list[Stretch] = []
        begin = origin
        for change, changed in self._changes(origin, end):
            stretches.append(Stretch(begin, change, offset, shown))
            begin, offset, shown = change, changed, change + offset
        stretches.append(Stretch(begin, end, offset, shown))
        chunk = tuple(_cut(stretch, start) for stretch in stretches if stretch.end > start)
        if len(self._chunks) >= _CHUNK_COUNT_MAX:
            self._chunks.clear()
        self._chunks[number] = chunk
        return chunk

    def _changes(self, start: int, end: int) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        low, offset = start, self._offset(start)
        while low < end - 1:
            high = min(low + _SAMPLE_S, end - 1)
            changed = self._offset(high)
            if changed != offset:
                found.append((self._first_with_other(low, high, offset), changed))
            low, offset = high, changed
        return found

    def _first_with_other(self, low: int, high: int, offset: int) -> int:
        while high - low > 1:
            middle = (low + high) // 2
            if self._offset(middle) == offset:
                low = middle
            else:
                high = middle
        return high

    def _offset(self, epoch_s: int) -> int:
        sample = min(max(epoch_s, _FIRST_SAMPLE_S), _LAST_SAMPLE_S)
        offset = datetime.fromtimestamp(sample, self._info).utcoffset()
        return 0 if offset is None else offset.days * _DAY_S + offset.seconds


@lru_cache(maxsize=1024)
def zone(name: str) -> Zone:
    """The zone of an IANA name, case-sensitive; ZoneError if the pinned data does not list it."""
    if name not in zone_names():
        raise ZoneError(name)
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as source:
        return Zone(name, ZoneInfo.from_file(source, key=name))


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every accepted zone name."""
    listed = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return frozenset(
        name for name in listed if name not in ("Factory", "localtime") and not name.startswith(("posix/", "right/"))
    )


def tzdata_version() -> str:
    """The IANA release in use, such as "2026f"; fires stored under another release must be recomputed."""
    return str(import_module("tzdata").IANA_VERSION)


@dataclass(frozen=True, slots=True)
class ZoneData:
    """A release of the time zone data: its version, and its zones by name (ZoneError for a name it does not list)."""

    version: str
    zone: Callable[[str], Zone]


@lru_cache(maxsize=1)
def packaged_zone_data() -> ZoneData:
    """The release that is installed, which is the one that decides."""
    return ZoneData(tzdata_version(), zone)


def _cut(stretch: Stretch, start: int) -> Stretch:
    if stretch.start >= start:
        return stretch
    return Stretch(start, stretch.end, stretch.offset, max(stretch.shown, start + stretch.offset))
