"""Parts and entries of an archive, and records as entries."""

import io
from datetime import UTC, datetime
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horolog.backup.archive import ArchiveWriter, Entry, Manifest, PartBegan, PartEnded, read_archive
from horolog.backup.records import packed, part_of, place_of, places_in_order, unpacked
from horolog.backup.sealing import ArchiveError, SealingWriter
from horolog.log.port import Place, Record
from schemas.topics import TOPICS
from tests.unit.backup.test_sealing import KEY, SALT

MADE_AT = datetime(2026, 3, 1, tzinfo=UTC)
PLACE = Place("jobs.v1", 3)
HEADERS = st.lists(st.tuples(st.text(st.characters(codec="utf-8")), st.binary()), max_size=5).map(tuple)
RECORDS = st.builds(
    Record,
    topic=st.just(PLACE.topic),
    partition=st.just(PLACE.partition),
    offset=st.integers(0, 2**62),
    key=st.binary(),
    value=st.none() | st.binary(),
    headers=HEADERS,
    timestamp_ms=st.integers(-1, 2**62),
)


def written(parts: dict[str, list[bytes]]) -> io.BytesIO:
    file = io.BytesIO()
    writer = ArchiveWriter(file, KEY, SALT)
    writer.manifest(7, MADE_AT)
    for name, entries in parts.items():
        writer.begin(name)
        for entry in entries:
            writer.entry(entry)
        writer.end()
    writer.finish()
    return io.BytesIO(file.getvalue())


def pieces_of(*bodies: bytes) -> io.BytesIO:
    """An authentic archive with whatever pieces in it."""
    file = io.BytesIO()
    writer = SealingWriter(file, KEY, SALT)
    for body in bodies:
        writer.write(body[:1] + (len(body) - 1).to_bytes(4, "big") + body[1:])
    writer.finish()
    return io.BytesIO(file.getvalue())


MANIFEST = b"\1" + Manifest(made_at=MADE_AT, partition_count=7).to_json()
BEGIN, ENTRY, END = b"\2part", b"\3entry", b"\4" + (1).to_bytes(8, "big") + b"part"
WRONG = {
    "nothing": [],
    "no manifest": [BEGIN, ENTRY, END],
    "two manifests": [MANIFEST, MANIFEST],
    "an entry outside of a part": [MANIFEST, ENTRY],
    "an entry too few": [MANIFEST, BEGIN, END],
    "an entry too many": [MANIFEST, BEGIN, ENTRY, ENTRY, END],
    "a part that does not end": [MANIFEST, BEGIN, ENTRY],
    "a part that comes twice": [MANIFEST, BEGIN, ENTRY, END, BEGIN, ENTRY, END],
    "a part in a part": [MANIFEST, BEGIN, ENTRY, b"\2other", END],
    "an unknown kind": [MANIFEST, b"\5"],
    "a manifest without a count": [b'\1{"madeAt":"2026-03-01T00:00:00Z"}'],
}


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.lists(st.binary(), max_size=4), max_size=4))
def test_parts_come_back_with_their_entries(parts: dict[str, list[bytes]]) -> None:
    manifest, *pieces = read_archive(written(parts), KEY)
    assert manifest == Manifest(made_at=MADE_AT, partition_count=7)
    found: dict[str, list[bytes]] = {}
    name = ""
    for piece in pieces:
        if isinstance(piece, PartBegan):
            name, found[piece.name] = piece.name, []
        elif isinstance(piece, Entry):
            found[name].append(piece.body)
        else:
            assert piece == PartEnded(name, len(found[name]))
    assert found == parts


@pytest.mark.parametrize("bodies", WRONG.values(), ids=WRONG)
def test_pieces_out_of_order_are_refused_even_if_authentic(bodies: list[bytes]) -> None:
    assert len(list(read_archive(pieces_of(MANIFEST, BEGIN, ENTRY, END), KEY))) == 4
    with pytest.raises(ArchiveError):
        list(read_archive(pieces_of(*bodies), KEY))


@given(RECORDS)
def test_record_comes_back_byte_for_byte(record: Record) -> None:
    assert unpacked(PLACE, packed(record)) == record


@given(st.binary(max_size=200))
def test_what_is_no_record_is_refused(body: bytes) -> None:
    try:
        assert packed(unpacked(PLACE, body)) == body
    except ArchiveError:
        return


def test_record_with_bytes_missing_or_left_over_is_refused() -> None:
    body = packed(Record(*PLACE, 5, b"key", b"value", (("name", b"content"),), 7))
    for wrong in [*(body[:length] for length in range(len(body))), body + b"x"]:
        with pytest.raises(ArchiveError):
            unpacked(PLACE, wrong)


def test_every_place_has_a_part_and_what_names_positions_comes_last() -> None:
    places = places_in_order(3)
    assert [place_of(part_of(place)) for place in places] == places
    assert sorted(places) == sorted(Place(topic.name, partition) for topic in TOPICS for partition in range(3))
    assert [topic for topic, _ in groupby(place.topic for place in places)][-2:] == ["dlq.v1", "checkpoints.v1"]
    assert place_of("accounts") is place_of("log/jobs.v1/x") is place_of("log/jobs.v1") is None
