"""What a process writes to one pipe: the head is kept, the rest read and dropped, so that the writer never blocks.

A line `::horolog progress=42` reports how far the job is, in percent, and is left out of what is kept; only standard
output is looked at for it.
"""

import asyncio
import codecs
import os
import re
from collections.abc import Callable

from horolog.limits import OUTPUT_BYTES_MAX
from schemas.events.output import OutputStream
from services.executor.runner import Piece
from services.executor.text import clean, fitting, json_size, kept_text

READ_BYTES_MAX = 65_536

_MARK = b"::horolog "
_LINE = re.compile(rb"^::horolog progress=(\d{1,3})\r?\n", re.MULTILINE)
_LINE_BYTES_MAX = 32


def both_captures(
    on_progress: Callable[[int], None] | None = None, bytes_max: int = OUTPUT_BYTES_MAX
) -> tuple["Capture", "Capture"]:
    """Those of stdout, which may tell progress, and of stderr: both or, as far as descriptors go, none.

    Raises:
        OSError: there are no descriptors for them.
    """
    stdout = Capture(on_progress, bytes_max)
    try:
        return stdout, Capture(bytes_max=bytes_max)
    except OSError:
        stdout.close()
        stdout.handed_over()
        raise


class Capture:
    """Reads one pipe until it is closed, and keeps `bytes_max` at most of what is taken at a time.

    `write_fd` is for the process; close it here once it was handed over.
    """

    def __init__(self, on_progress: Callable[[int], None] | None = None, bytes_max: int = OUTPUT_BYTES_MAX) -> None:
        self._read_fd, self.write_fd = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(self._read_fd, False)
        self._on_progress = on_progress
        self.bytes_max = bytes_max
        self._kept = bytearray()
        self._begun_line = b""
        self._at_line_start = True
        self.was_cut = False
        self._is_open = True
        self._tap: CaptureTap | None = None
        asyncio.get_running_loop().add_reader(self._read_fd, self._readable)

    def handed_over(self) -> None:
        """The process has the writing end now."""
        os.close(self.write_fd)

    def tap(self, stream: OutputStream) -> "CaptureTap":
        """What is kept from now on, while it comes; until it is taken."""
        self._tap = CaptureTap(self, stream)
        return self._tap

    def kept_after(self, byte_count: int) -> bytes:
        """What is kept so far, without so many bytes at its beginning."""
        return bytes(self._kept[byte_count:])

    def drain(self) -> None:
        """Read what is there already, without waiting."""
        while self._readable():
            pass

    def take(self) -> str:
        """What was kept since it was last taken, after reading what is there already."""
        self.drain()
        self._keep(self._begun_line)
        text = kept_text(bytes(self._kept), self.bytes_max) if self._kept else ""
        self._kept.clear()
        if self._tap is not None:
            # What is kept next is another run's.
            self._tap.end()
            self._tap = None
        self._begun_line, self._at_line_start = b"", True
        return text

    def close(self) -> None:
        """Read no more; idempotent."""
        if self._is_open:
            self._is_open = False
            asyncio.get_running_loop().remove_reader(self._read_fd)
            os.close(self._read_fd)

    def _readable(self) -> bool:
        if not self._is_open:
            return False
        try:
            data = os.read(self._read_fd, READ_BYTES_MAX)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        self._keep(data if self._on_progress is None else self._without_progress(data, self._on_progress))
        return True

    def _keep(self, data: bytes) -> None:
        room = max(0, self.bytes_max - len(self._kept))
        if len(data) > room:
            self.was_cut = True
        self._kept += data[:room]

    def _without_progress(self, data: bytes, on_progress: Callable[[int], None]) -> bytes:
        # A line that may yet become a report is held back until it is whole.
        data, self._begun_line = self._begun_line + data, b""
        first = b"" if self._at_line_start else data[: data.find(b"\n") + 1] or data
        rest = data[len(first) :]
        begun = rest[rest.rfind(b"\n") + 1 :]
        if begun and len(begun) < _LINE_BYTES_MAX and _MARK.startswith(begun[: len(_MARK)]):
            rest, self._begun_line = rest[: len(rest) - len(begun)], begun
        self._at_line_start = (first + rest).endswith(b"\n") if first + rest else self._at_line_start
        if _MARK in rest:
            for match in _LINE.finditer(rest):
                on_progress(int(match[1]))
            rest = _LINE.sub(b"", rest)
        return first + rest


class CaptureTap:
    """What is kept of a pipe, as text, piece by piece.

    Together the pieces are a beginning of the text that is kept at the end, as far as the two have it in common.
    """

    def __init__(self, capture: Capture, stream: OutputStream) -> None:
        self.stream = stream
        self._capture: Capture | None = capture
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._seen = 0
        self._room = capture.bytes_max
        self._is_cut = False

    def take(self) -> Piece | None:
        if self._capture is None or self._is_cut:
            return None
        data = self._capture.kept_after(self._seen)
        if not data and not self._capture.was_cut:
            return None
        self._seen += len(data)
        text = clean(self._decoder.decode(data))
        kept = fitting(text, self._room)
        self._room -= json_size(kept)
        self._is_cut = self._capture.was_cut or len(kept) < len(text)
        return Piece(kept, self._is_cut) if kept or self._is_cut else None

    def end(self) -> None:
        """Nothing comes any more; idempotent."""
        self._capture = None
