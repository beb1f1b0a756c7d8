"""Reading a stream of server-sent events from the bytes that arrive.

Guarantee: an event is told once its block is whole, whatever the pieces that it comes in; one that was cut off is not
told. A line, or an event, that is too long is refused and not kept.
Source: WHATWG HTML, sections 9.2.5 and 9.2.6.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\n|\r(?!\Z)")
"""A CR at the very end may yet become a CRLF."""
LENGTH_MAX = 1_000_000
"""In characters, of a line and of an event's data. What the API tells has a hundredth of it."""


@dataclass(frozen=True, slots=True)
class Block:
    """One block: an event where it has data, else only an id to go on from."""

    id: str | None
    type: str
    data: str


class TooLong(ValueError):
    """What comes is no stream of events of ours."""


class EventReader:
    """Reads one stream."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._is_begun = False
        self._id: str | None = None
        self._type = ""
        self._data: list[str] = []
        self._length = 0

    def read(self, piece: bytes) -> Iterator[Block]:
        """The blocks that end in this piece.

        Raises:
            TooLong: there is no end to a line or an event.
        """
        self._text += self._decoder.decode(piece)
        if not self._is_begun and self._text:
            self._text, self._is_begun = self._text.removeprefix("\ufeff"), True
        for line in self._lines():
            if line:
                self._take(line)
            elif (block := self._ended()) is not None:
                yield block
        if len(self._text) > LENGTH_MAX:
            raise TooLong("a line is too long")

    def _lines(self) -> Iterator[str]:
        text, begin = self._text, 0
        for found in _LINE_END.finditer(text):
            yield text[begin : found.start()]
            begin = found.end()
        self._text = text[begin:]

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
            self._length += len(value) + 1
            if self._length > LENGTH_MAX:
                raise TooLong("an event is too long")
        elif name == "event":
            self._type = value
        elif name == "id" and "\x00" not in value:
            self._id = value

    def _ended(self) -> Block | None:
        block = Block(self._id, self._type or "message", "\n".join(self._data))
        self._id, self._type, self._data, self._length = None, "", [], 0
        return block if block.data or block.id is not None else None
