"""What strangers wrote is stored safely."""

import asyncio
import os

import pytest

from horolog.limits import OUTPUT_BYTES_MAX
from schemas.events.output import OutputStream
from services.executor.runner import Piece
from services.executor.runners.capture import Capture
from services.executor.text import clean, clip, kept_bytes_max, kept_text, parsed_json
from tests.unit.executor.world import task


def test_text_that_postgres_cannot_store_is_replaced() -> None:
    assert clean("a\0b\ud800") == "a\N{REPLACEMENT CHARACTER}b?"
    assert parsed_json(b'{"a\\u0000": ["\\u0000"]}') == {"a\ufffd": ["\ufffd"]}


def test_a_cut_is_shown() -> None:
    assert clip("abcdef", 4) == "abc…"


@pytest.mark.parametrize("charset", ["idna", "punycode", "hex", "no-such", "unicode_escape", "a\0b"])
def test_a_strange_charset_is_not_believed(charset: str) -> None:
    assert kept_text("grün".encode(), 100, charset) == "grün"


def test_kept_text_stays_within_its_bytes_even_when_json_must_escape_it() -> None:
    assert len(kept_text(b"\x01" * 1000, 600)) <= 100
    assert kept_text("grün".encode("latin-1"), 100, "ISO-8859-1") == "grün"


def test_json_nested_too_deep_is_refused() -> None:
    with pytest.raises(ValueError, match="deeper"):
        parsed_json(b"[" * 40 + b"]" * 40)


async def test_progress_lines_are_taken_out_even_when_they_come_in_pieces() -> None:
    told: list[int] = []
    capture = Capture(told.append)
    for piece in (b"one\n::horo", b"log progress=4", b"2\ntwo ::horolog progress=9\n::horolog progress=100\nend"):
        os.write(capture.write_fd, piece)
        capture.drain()
    capture.handed_over()
    assert capture.take() == "one\ntwo ::horolog progress=9\nend"
    assert told == [42, 100]
    capture.close()


async def test_a_capture_keeps_the_head_and_never_blocks_the_writer() -> None:
    capture = Capture()
    chunk = b"x" * 32_768
    for _ in range(4):
        await asyncio.to_thread(os.write, capture.write_fd, chunk)
        capture.drain()
    capture.handed_over()
    assert len(capture.take()) == OUTPUT_BYTES_MAX
    assert capture.was_cut
    capture.close()


async def test_a_capture_keeps_no_more_than_it_was_told_to() -> None:
    capture = Capture(bytes_max=5)
    os.write(capture.write_fd, b"123456789")
    capture.handed_over()
    assert (capture.take(), capture.was_cut) == ("12345", True)
    capture.bytes_max = 0
    assert capture.take() == ""
    capture.close()


async def test_what_is_kept_comes_from_a_tap_while_it_is_written_and_stops_when_it_is_taken() -> None:
    capture = Capture()
    tap = capture.tap(OutputStream.STDOUT)
    found = []
    for data in ("ä\0".encode()[:1], "ä\0".encode()[1:], b"\xff\n"):
        os.write(capture.write_fd, data)
        capture.drain()
        found.append(tap.take())
    assert found == [None, Piece("ä\N{REPLACEMENT CHARACTER}"), Piece("\N{REPLACEMENT CHARACTER}\n")]
    capture.handed_over()
    assert capture.take() == "ä\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\n"
    assert tap.take() is None
    capture.close()


async def test_a_tap_gives_no_more_than_is_kept() -> None:
    capture = Capture(bytes_max=8)
    tap = capture.tap(OutputStream.STDERR)
    # A line's end takes two bytes as JSON.
    for data in (b"12\n", b"34\n56789", b"x"):
        os.write(capture.write_fd, data)
        capture.drain()
    assert (tap.stream, tap.take(), tap.take()) == (OutputStream.STDERR, Piece("12\n3", is_cut=True), None)
    capture.handed_over()
    assert capture.take() == "12\n3"
    capture.close()


async def test_a_report_of_progress_does_not_come_from_a_tap() -> None:
    capture = Capture(list[int]().append)
    tap = capture.tap(OutputStream.STDOUT)
    for piece in (b"one\n::horo", b"log progress=42\ntwo"):
        os.write(capture.write_fd, piece)
        capture.drain()
    assert tap.take() == Piece("one\ntwo")
    capture.handed_over()
    capture.close()


@pytest.mark.parametrize(
    ("told", "kept"), [(None, OUTPUT_BYTES_MAX), (10, 10), (0, 0), (OUTPUT_BYTES_MAX * 2, OUTPUT_BYTES_MAX)]
)
def test_a_tenant_keeps_what_it_may_and_never_more_than_the_system_does(told: int | None, kept: int) -> None:
    assert kept_bytes_max(task(1, output_bytes_max=told)) == kept
