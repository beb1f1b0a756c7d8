"""Zones come from the packaged data alone, and their stretches miss no transition."""

import struct
from importlib import resources
from itertools import pairwise

import pytest

from horolog.domain.cron import ZoneError, next_after_s, parse, tzdata_version, zone, zone_names

NAMES = [
    "America/New_York",
    "Africa/Casablanca",
    "Asia/Gaza",
    "Pacific/Apia",
    "Africa/Monrovia",
    "Europe/Dublin",
]


def packaged_changes(name: str) -> list[tuple[int, int]]:
    """The (instant, new offset) pairs written out in a zone's TZif file (RFC 9636, second data block)."""
    data = (resources.files("tzdata") / "zoneinfo" / name).read_bytes()
    utc, std, leap, times, types, chars = struct.unpack(">6l", data[20:44])
    start = 44 + times * 5 + types * 6 + chars + leap * 8 + std + utc
    *_, times, types, _ = struct.unpack(">6l", data[start + 20 : start + 44])
    body = start + 44
    instants = struct.unpack_from(f">{times}q", data, body)
    indexes = data[body + 8 * times : body + 9 * times]
    offsets = [struct.unpack_from(">l", data, body + 9 * times + 6 * index)[0] for index in range(types)]
    changes, before = [], offsets[0]
    for instant, index in zip(instants, indexes, strict=True):
        if offsets[index] != before:
            changes.append((instant, offsets[index]))
        before = offsets[index]
    return changes


def test_no_two_transitions_are_close_enough_to_be_overlooked() -> None:
    closest = min(
        later - earlier for name in zone_names() for (earlier, _), (later, _) in pairwise(packaged_changes(name))
    )
    assert closest > 5 * 86_400


@pytest.mark.parametrize("name", NAMES)
def test_stretches_change_exactly_where_the_packaged_file_says(name: str) -> None:
    place = zone(name)
    for instant, offset in packaged_changes(name):
        before, after = place.stretch_at(instant - 1), place.stretch_at(instant)
        assert (before.end, after.start, after.offset) == (instant, instant, offset)
        assert after.shown == instant + before.offset


def test_stretches_follow_each_other_without_hole_for_a_century() -> None:
    place, moment = zone("Africa/Casablanca"), -(1 << 31)
    while moment < 1 << 32:
        stretch = place.stretch_at(moment)
        assert stretch.start == moment < stretch.end
        moment = stretch.end


@pytest.mark.parametrize(
    "name",
    [
        "",
        "utc",
        "europe/paris",
        "Factory",
        "localtime",
        "posix/UTC",
        "right/UTC",
        "../../etc/passwd",
        "/etc/passwd",
        "UTC\0",
        " UTC",
        "UTC ",
        "America",
        "America/",
        "tzdata.zi",
        "Europe/P\u0430ris",
        "A" * 10_000,
    ],
)
def test_anything_but_a_listed_name_is_refused(name: str) -> None:
    with pytest.raises(ZoneError) as caught:
        zone(name)
    assert caught.value.name == name
    assert "IANA" in str(caught.value)
    assert len(str(caught.value)) < 160


def test_every_listed_zone_can_be_used() -> None:
    spec = parse("0 0 12 * * *")
    for name in zone_names():
        assert zone(name) is zone(name)
        assert next_after_s(spec, zone(name), 1_750_000_000) is not None
    assert len(zone_names()) > 590


def test_the_packaged_release_counts_not_the_system_copy() -> None:
    assert tzdata_version() >= "2026f"
    # Morocco's rules for late 2026 differ between releases before and after this one.
    changes = [instant for instant, _ in packaged_changes("Africa/Casablanca")]
    assert all(zone("Africa/Casablanca").stretch_at(instant).start == instant for instant in changes)


def test_old_chunks_are_dropped_and_found_again() -> None:
    place = zone("Europe/Berlin")
    now = place.stretch_at(1_700_000_000)
    for year in range(600):
        place.stretch_at(year << 25)
    found = place.stretch_at(1_700_000_000)
    assert found == now
    assert found is not now
