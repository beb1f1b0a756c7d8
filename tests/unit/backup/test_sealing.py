"""An archive's stream: what was written is read, and nothing else ever is."""

import io
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horolog.backup.keys import BackupKey
from horolog.backup.sealing import CHUNK_BYTES, HEADER_BYTES, ArchiveError, SealingWriter, opened_chunks

KEY, OTHER_KEY = BackupKey(bytes(range(32))), BackupKey(bytes(range(1, 33)))
SALT, OTHER_SALT = b"s" * 32, b"t" * 32
CHUNKS = [bytes([number]) * CHUNK_BYTES for number in range(3)]

EDITS: dict[str, Callable[[list[bytes], list[bytes]], Sequence[bytes]]] = {
    "cut off at a chunk's end": lambda mine, _: mine[:-1],
    "without its first chunk": lambda mine, _: mine[1:],
    "without its second chunk": lambda mine, _: [mine[0], *mine[2:]],
    "in another order": lambda mine, _: [mine[1], mine[0], *mine[2:]],
    "with a chunk doubled": lambda mine, _: [mine[0], *mine],
    "with the last chunk doubled": lambda mine, _: [*mine, mine[-1]],
    "with a chunk of another archive": lambda mine, other: [other[0], *mine[1:]],
    "with bytes after its end": lambda mine, _: [*mine, b"\0\0\0\1x"],
    "without any chunk": lambda mine, _: [],
}


def sealed(chunks: Sequence[bytes], salt: bytes = SALT) -> bytes:
    file = io.BytesIO()
    writer = SealingWriter(file, KEY, salt)
    for chunk in chunks:
        writer.write(chunk)
    writer.finish()
    return file.getvalue()


def opened(archive: bytes, key: BackupKey = KEY) -> bytes:
    return b"".join(opened_chunks(io.BytesIO(archive), key))


def split(archive: bytes) -> tuple[bytes, list[bytes]]:
    """The header, and the chunks with their lengths before them."""
    header, rest, chunks = archive[:HEADER_BYTES], archive[HEADER_BYTES:], []
    while rest:
        size = 4 + int.from_bytes(rest[:4], "big")
        chunks.append(rest[:size])
        rest = rest[size:]
    return header, chunks


@given(st.lists(st.binary(max_size=CHUNK_BYTES * 2), max_size=5), st.binary(min_size=32, max_size=32))
def test_what_was_written_is_read(chunks: list[bytes], salt: bytes) -> None:
    assert opened(sealed(chunks, salt)) == b"".join(chunks)


def test_an_edit_of_any_bit_is_refused() -> None:
    archive = sealed([b"what happened", b"and when"])
    for index in range(len(archive)):
        for bit in range(8):
            edited = bytearray(archive)
            edited[index] ^= 1 << bit
            with pytest.raises(ArchiveError):
                opened(bytes(edited))


def test_what_is_cut_off_anywhere_is_refused() -> None:
    archive = sealed([b"what happened", b"and when"])
    for length in range(len(archive)):
        with pytest.raises(ArchiveError):
            opened(archive[:length])


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_chunks_that_are_not_all_there_in_order_are_refused(
    edit: Callable[[list[bytes], list[bytes]], Sequence[bytes]],
) -> None:
    header, mine = split(sealed(CHUNKS))
    _, other = split(sealed(CHUNKS, OTHER_SALT))
    assert len(mine) == len(CHUNKS) + 1
    assert opened(header + b"".join(mine)) == b"".join(CHUNKS)
    with pytest.raises(ArchiveError):
        opened(header + b"".join(edit(mine, other)))


def test_another_key_opens_nothing_and_is_told_as_that() -> None:
    with pytest.raises(ArchiveError, match="another key"):
        opened(sealed([b"what happened"]), OTHER_KEY)


def test_an_archive_shows_nothing_of_what_is_in_it_and_no_two_are_alike() -> None:
    secret = bytes(range(256))
    assert secret[:8] not in sealed([secret])
    assert sealed([secret])[HEADER_BYTES:] != sealed([secret], OTHER_SALT)[HEADER_BYTES:]


def test_a_part_that_unpacks_to_more_than_is_allowed_is_refused() -> None:
    file = io.BytesIO()
    writer = SealingWriter(file, KEY, SALT)
    writer._waiting += bytes(100 * 1024 * 1024)
    writer.finish()
    assert len(file.getvalue()) < CHUNK_BYTES
    with pytest.raises(ArchiveError, match="larger than"):
        opened(file.getvalue())
