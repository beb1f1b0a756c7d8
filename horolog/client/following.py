"""Following one of the API's streams: what is asked for, what came of it, and going on where it broke off.

Guarantee: each event is handed over once, in the order in which the API tells it; after whatever broke off, it is asked
for what follows the last id. What the API refuses is raised. It is asked again after pauses that grow, and no more
once it has not answered `try_count_max` times in a row.

No I/O is done here: `steps` has the two ways to do it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from pydantic import ValidationError

from horolog.client.errors import NotTheApi
from horolog.client.exchange import Patience, Terms, pause_before_repeat, read_answer
from horolog.client.server_events import Block, EventReader, TooLong
from horolog.client.wire import Flow, Outcome, Reply, Request, reading
from schemas.http_events import EventBody

PATH = "/api/v1/events"
PATIENCE = Patience(try_count_max=30, pause_s=0.2, pause_s_max=10.0)
"""A stream is followed for long, and outlives a restart of the API."""
SILENCE_S = 45.0
"""The API gives a sign of life every 15 s; one that is silent for so long is gone."""
OVER = frozenset({"CAUGHT_UP", "EXECUTION_ENDED"})
"""The reasons for an end after which there is nothing to come back for."""
_END = "end"
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


class Source(Protocol[E_co]):
    """What a stream is of."""

    @property
    def path(self) -> str:
        """Where the API tells it."""
        ...

    def query(self, follow: bool) -> dict[str, object]:
        """As the API takes it."""
        ...

    def event(self, id_: str, type_: str, data: str) -> E_co | None:
        """An event of the stream; None for one that is not asked for.

        Raises:
            ValidationError: it cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event. Whoever comes back with its `id` is told what follows it."""

    id: str
    body: EventBody


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: all conditions must hold. `types` are types, or their first words (`job`, `execution`, `audit`)."""

    types: tuple[str, ...] = ()
    job_id: str | None = None
    execution_id: str | None = None

    @property
    def path(self) -> str:
        """Where the API tells them."""
        return PATH

    def query(self, follow: bool) -> dict[str, object]:
        """As the API takes it."""
        return {
            "types": ",".join(self.types) or None,
            "jobId": self.job_id,
            "executionId": self.execution_id,
            "follow": None if follow else False,
        }

    def event(self, id_: str, type_: str, data: str) -> StreamEvent:
        """An event of the stream."""
        return stream_event(id_, data)


EVERY_EVENT = EventFilter()


def stream_event(id_: str, data: str) -> StreamEvent:
    """An event with this data; fields that are not known are left out."""
    return StreamEvent(id_, EventBody.model_validate_json(data, extra="ignore"))


class Following(Generic[E]):
    """One stream, over all the connections that it takes. `last_id` is where it would go on."""

    def __init__(
        self,
        terms: Terms,
        where: Source[E],
        since_id: str | None = None,
        *,
        follow: bool = True,
        patience: Patience = PATIENCE,
    ) -> None:
        self.last_id = since_id
        self.is_over = False
        self.place = terms.place
        self._terms = replace(terms, patience=patience)
        self._where = where
        self._asked = reading(where.path, where.query(follow))
        self._tries = self._empty_count = 0
        self._renewed = self._has_begun = False
        self.came: Outcome | None = None
        self._sent = self._asked
        self._reader = EventReader()

    def request(self) -> Flow[Request]:
        """What to send now, after whatever has to be asked for first."""
        authority = yield from self._terms.authority.headers()
        since = {} if self.last_id is None else {"Last-Event-ID": self.last_id}
        headers = {"Accept": "text/event-stream", "Accept-Encoding": "identity", **since, **authority}
        self._sent = Request("GET", self._asked.path, self._asked.query, headers=headers, is_repeatable=True)
        self._reader = EventReader()
        self.came = None
        return self._sent

    def take(self, piece: bytes | Outcome) -> Iterator[E]:
        """The events that a piece of the stream completes; what came instead of one is kept as `came`."""
        if isinstance(piece, bytes):
            yield from self.read(piece)
        else:
            self.came = piece

    def read(self, piece: bytes) -> Iterator[E]:
        """The events that a piece of the stream completes.

        Raises:
            NotTheApi: it is something else.
        """
        self._tries, self._renewed = 0, False
        if not self._has_begun:
            # Whoever was there once is waited for.
            self._has_begun = True
            self._terms = replace(self._terms, patience=replace(self._terms.patience, awaits_start=True))
        try:
            for block in self._reader.read(piece):
                if block.type == _END:
                    self.is_over = _code_of(block) in OVER
                    continue
                event = self._where.event(block.id or "", block.type, block.data) if block.data else None
                self.last_id = self.last_id if block.id is None else block.id
                if event is not None:
                    self._empty_count = 0
                    yield event
        except (ValidationError, TooLong):
            raise NotTheApi(f"{self.place} told an event that this version cannot read.") from None

    def broken_off(self, outcome: Outcome | None) -> float:
        """How long to wait before asking again; `outcome` is what came instead of a stream, or None after its end.

        Raises:
            HorologError: it is of no use to ask again.
        """
        if self.is_over:
            return 0.0
        if isinstance(outcome, Reply) and outcome.status == 401 and not self._renewed:
            self._renewed = True
            if self._terms.authority.rejected(self._sent.headers):
                return 0.0
        if outcome is None:
            self._empty_count += 1
            patience = self._terms.patience
            tries = min(self._empty_count, patience.try_count_max - 1)
            return patience.pause_after(tries, None, self._terms.chance()) or 0.0
        self._tries += 1
        pause_s = pause_before_repeat(self._sent, outcome, self._tries, self._terms)
        if pause_s is None:
            read_answer(self._sent, outcome, self.place)
            raise NotTheApi(f"{self.place} answered, but not with a stream of events.")
        return pause_s


def _code_of(block: Block) -> str | None:
    try:
        return str(json.loads(block.data)["code"])
    except (ValueError, TypeError, KeyError):
        return None
