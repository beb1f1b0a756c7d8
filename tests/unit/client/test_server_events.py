"""A stream of server-sent events is read as WHATWG HTML, section 9.2.6, says, in whatever pieces it comes."""

import pytest

from horolog.client.server_events import LENGTH_MAX, Block, EventReader, TooLong

STREAM = (
    "retry: 2000\nid: a\n\nid: b\nevent: job.created\ndata: {}\n\n: beat\nid: c\n\nevent: end\ndata: x\ndata: y\n\n"
)
BLOCKS = [
    Block("a", "message", ""),
    Block("b", "job.created", "{}"),
    Block("c", "message", ""),
    Block(None, "end", "x\ny"),
]


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("length", [1, 2, 3, 7, 1000])
def test_blocks_are_the_same_in_whatever_pieces_and_line_ends(line_end: str, length: int) -> None:
    reader, stream = EventReader(), (STREAM + "\n").replace("\n", line_end).encode()
    pieces = [stream[begin : begin + length] for begin in range(0, len(stream), length)]
    assert [block for piece in pieces for block in reader.read(piece)] == BLOCKS


def test_a_block_that_was_cut_off_is_not_told() -> None:
    assert list(EventReader().read(b"id: a\ndata: x\n")) == []
    assert list(EventReader().read(b"\xef\xbb\xbfid: a\ndata:x\n\n")) == [Block("a", "message", "x")]


def test_comments_unknown_fields_and_ids_with_a_nul_are_passed_over() -> None:
    told = EventReader().read(b": hush\nfoo: bar\nfoo\nid: a\x00b\ndata\n\ndata: x\n\n")
    assert list(told) == [Block(None, "message", "x")]


def test_what_has_no_end_is_refused() -> None:
    reader = EventReader()
    with pytest.raises(TooLong):
        list(reader.read(b"data: " + b"x" * (LENGTH_MAX + 1)))
    with pytest.raises(TooLong):
        list(EventReader().read(b"data: xxxxxxxxx\n" * (LENGTH_MAX // 9 + 1)))
