"""Taking an attempt's own secrets out of what it is to report.

Guarantee: no text of an outcome (result, metadata, messages, stacks, keys and values alike) holds a secret that the
attempt was given, in any of the forms in which programs commonly repeat one: as it is, as JSON, in a URL, in base64,
line by line; nor a secret that was cut off at the end of what is kept. A text that comes in pieces is told as it will
be as a whole: of each piece as much is held back as may be the beginning of a secret.

What is shorter than `LENGTH_MIN` characters is left: it would be found in everything. A job that means to hide what it
prints, by spelling it otherwise, cannot be stopped from doing so.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from urllib.parse import quote, quote_plus

import orjson
from pydantic import JsonValue

from horolog.domain.sensitive import MASK
from schemas.events.executions import Failure
from services.executor.outcome import Outcome
from services.executor.runner import Piece, Tap

LENGTH_MIN = 4
LINE_LENGTH_MIN = 8
LIVE_FORM_COUNT_MAX = 1000
"""With more forms than this to look for, once a second would be too often: a hundred secrets, or a few long keys."""
_HEAD_LENGTH = 16
_GUESS_COUNT_MAX = 64
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,20} +(\S.*)", re.DOTALL)
_PAIR = re.compile(r"[^=;\s]+=([^;]+)")


class Scrubber:
    """Knows one attempt's secrets."""

    def __init__(self, secrets: Iterable[JsonValue]) -> None:
        texts = {part for secret in secrets for text in _leaves(secret) for part in _parts(text)}
        found = {form for text in texts if len(text) >= LENGTH_MIN for form in _forms(text) if len(form) >= LENGTH_MIN}
        # The longest first: what is a part of another must not spoil it.
        self._forms = sorted(found, key=lambda form: (-len(form), form))

    @property
    def is_light(self) -> bool:
        """Whether what is printed may be looked through while it is."""
        return len(self._forms) <= LIVE_FORM_COUNT_MAX

    def outcome(self, outcome: Outcome) -> Outcome:
        """The outcome without the secrets."""
        if not self._forms:
            return outcome
        metadata = self.value(outcome.metadata)
        assert metadata is None or isinstance(metadata, dict)
        failure = outcome.failure and self._failure(outcome.failure)
        return replace(outcome, failure=failure, result=self.value(outcome.result), metadata=metadata)

    def value(self, value: JsonValue) -> JsonValue:
        """The value without the secrets."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(name): self.value(item) for name, item in value.items()}
        if isinstance(value, int | float) and not isinstance(value, bool) and str(value) in self._forms:
            return MASK
        return value

    def text(self, text: str) -> str:
        """The text without the secrets."""
        return self._without_beginning(_masked(text, self.spans(text)))

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets begin and end in the text, in order; those that overlap count as one."""
        found = sorted(span for form in self._forms for span in _places(text, form))
        joined: list[tuple[int, int]] = []
        for begin, end in found:
            if joined and begin < joined[-1][1]:
                joined[-1] = joined[-1][0], max(end, joined[-1][1])
            else:
                joined.append((begin, end))
        return joined

    def open_at(self, text: str) -> int:
        """From where on the text may be the beginning of a secret whose rest is yet to come."""
        return min((_begun_at(text, form) for form in self._forms), default=len(text))

    def _without_beginning(self, text: str) -> str:
        """What is kept of an output may end in the middle of a secret."""
        body = text.removesuffix("…")
        for form in self._forms:
            place = body.find(form[:LENGTH_MIN], max(0, len(body) - len(form)))
            while place >= 0:
                if form.startswith(body[place:]):
                    return body[:place] + MASK
                place = body.find(form[:LENGTH_MIN], place + 1)
        return text

    def _failure(self, failure: Failure) -> Failure:
        code, message = self.text(failure.code), self.text(failure.message)
        stack = failure.stack and self.text(failure.stack)
        return failure.model_copy(update={"code": code, "message": message, "stack": stack})


class ScrubbedTap:
    """Implements `Tap` over another, for an attempt with secrets."""

    def __init__(self, tap: Tap, scrubber: Scrubber) -> None:
        self.stream = tap.stream
        self._tap = tap
        self._scrubber = scrubber
        self._held_back = ""

    def take(self) -> Piece | None:
        piece = self._tap.take()
        if piece is None:
            return None
        text = self._held_back + piece.text
        spans = self._scrubber.spans(text)
        certain = self._scrubber.open_at(text)
        # What lies across goes on with what comes next.
        certain = next((begin for begin, end in spans if begin < certain < end), certain)
        self._held_back = text[certain:]
        told = _masked(text[:certain], [span for span in spans if span[1] <= certain])
        return Piece(told, piece.is_cut) if told or piece.is_cut else None


def _masked(text: str, spans: Iterable[tuple[int, int]]) -> str:
    parts: list[str] = []
    told = 0
    for begin, end in spans:
        parts += [text[told:begin], MASK]
        told = end
    return "".join([*parts, text[told:]])


def _places(text: str, form: str) -> Iterator[tuple[int, int]]:
    place = text.find(form)
    while place >= 0:
        yield place, place + len(form)
        place = text.find(form, place + len(form))


def _begun_at(text: str, form: str) -> int:
    """Where the text's end begins that is a beginning of the form. After many guesses it holds back too much."""
    first, head = max(0, len(text) - len(form) + 1), form[:_HEAD_LENGTH]
    place = text.find(head, first)
    for _ in range(_GUESS_COUNT_MAX):
        if place < 0 or form.startswith(text[place:]):
            break
        place = text.find(head, place + 1)
    if place >= 0:
        return place
    # No room is left for a whole head.
    ends = range(max(first, len(text) - len(head) + 1), len(text))
    return next((place for place in ends if form.startswith(text[place:])), len(text))


def _leaves(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield str(value)
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)


def _parts(text: str) -> Iterator[str]:
    """The secret itself, and what in it may be repeated alone: `Bearer x`, `Basic x`, `a=x; b=y`, several lines."""
    yield text
    if scheme := _SCHEME.fullmatch(text):
        yield scheme[1]
        yield from _of_basic(scheme[1])
    yield from (value.strip() for value in _PAIR.findall(text))
    lines = text.splitlines()
    yield from (line for line in lines if len(lines) > 1 and len(line) >= LINE_LENGTH_MIN)


def _of_basic(text: str) -> Iterator[str]:
    """User and password, when that is what the text stands for (RFC 7617)."""
    try:
        pair = base64.b64decode(text, validate=True).decode()
    except ValueError:
        return
    if ":" in pair:
        yield pair
        yield pair.partition(":")[2]


def _forms(text: str) -> Iterator[str]:
    data = text.encode()
    yield text
    yield orjson.dumps(text).decode()[1:-1]
    yield json.dumps(text)[1:-1]
    yield repr(text)[1:-1]
    yield from (quote(text), quote(text, safe=""), quote_plus(text))
    yield from _base64_forms(data)
    # An answer whose charset is told wrongly.
    yield data.decode("latin-1")


def _base64_forms(data: bytes) -> Iterator[str]:
    """What all encodings of texts with the secret in them have in common, wherever in the text it begins."""
    for lead in range(3):
        padded = bytes(lead) + data
        first, end = (8 * lead + 5) // 6, 8 * len(padded) // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(padded).decode()[first:end]
