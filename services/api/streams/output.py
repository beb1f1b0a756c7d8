"""What a stream of one run tells: what it prints, what becomes of it, and at its end what was not told yet.

Guarantee: of each stream of an attempt every byte is told once at most, in order, wherever its client comes back; what
was not told while the run went on shows as a gap between the offsets. When the execution ends, and the read models show
it, whatever its final output has beyond what was told follows, then the end itself. An id leads only to the run that it
was told for.
"""

import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from horolog.log.port import Place, Record
from projections.views import ExecutionView, ReadModelUnavailable
from schemas.codec import RecordError, decode
from schemas.events.output import OutputAppended, OutputStream
from schemas.http_events import EventBody, OutputBody
from schemas.topics import EXECUTIONS, OUTPUT
from services.api.errors import ApiError
from services.api.streams import frames
from services.api.streams.facts import Fact, Subject, fact_of
from services.api.streams.hub import Batch, Ended, Found, Reach
from services.api.streams.reading import Came, Hold
from services.api.streams.spots import ForeignId, Spot, mark_of, sealed, unsealed
from services.api.streams.stream import RUN_ENDED

OUTPUT_TYPE: Final = "output"
GOING: Final = frozenset({"pending", "running"})
"""The states of an execution that has not ended."""
_ENDS = frozenset(f"execution.{status}" for status in ("completed", "failed", "cancelled", "skipped", "missed"))
_VERSION = 1
_FORM = struct.Struct(">BHx8s8sqqqq")
_NOWHERE = -1
Look = Callable[[], Awaitable[ExecutionView]]
"""Reads the execution, as its caller may see it; raises `ApiError` where it may not."""


@dataclass(frozen=True, slots=True)
class Run:
    """Whose output is told, and where it lies."""

    tenant_id: str
    execution_id: str
    partition: int
    partition_count: int

    def takes(self, fact: Fact) -> bool:
        """Whether the fact is of this run."""
        return fact.execution_id == self.execution_id


@dataclass(frozen=True, slots=True)
class Told:
    """How much somebody was told: up to which position of the topic, of which attempt how many bytes of each stream."""

    position: int = 0
    attempt: int = 0
    stdout: int = 0
    stderr: int = 0

    def count(self, stream: OutputStream) -> int:
        """How many bytes of the stream."""
        return self.stdout if stream is OutputStream.STDOUT else self.stderr

    def with_count(self, stream: OutputStream, count: int) -> "Told":
        """The same, with so many bytes of the stream."""
        return replace(self, stdout=count) if stream is OutputStream.STDOUT else replace(self, stderr=count)


def output_id_of(told: Told, run: Run) -> str:
    """The id with which whoever was told that goes on."""
    whose = mark_of(run.tenant_id), mark_of(run.execution_id)
    body = _FORM.pack(_VERSION, run.partition_count, *whose, told.position, told.attempt, told.stdout, told.stderr)
    return sealed(body)


def told_of(id_: str, run: Run) -> Told:
    """What whoever has this id was told.

    Raises:
        ForeignId: it is no id of this run.
    """
    version, count, tenant, execution, *counts = unsealed(id_, _FORM)
    whose = mark_of(run.tenant_id), mark_of(run.execution_id)
    if (version, count, tenant, execution) != (_VERSION, run.partition_count, *whose) or min(counts) < 0:
        raise ForeignId
    return Told(*counts)


def fact_of_run(record: Record) -> Fact | None:
    """What is told of a record: a piece of output, or what becomes of an execution."""
    if record.topic != OUTPUT.name:
        return fact_of(record)
    try:
        piece = decode(record.topic, record.headers, record.value)
    except RecordError:
        return None
    assert isinstance(piece, OutputAppended)
    body = OutputBody(
        type=OUTPUT_TYPE,
        at=piece.at,
        execution_id=piece.execution_id,
        attempt=piece.attempt,
        stream=piece.stream,
        offset=piece.offset,
        text=piece.text,
        truncated=piece.truncated,
    )
    return Fact(piece.tenant_id, OUTPUT_TYPE, piece.job_id, piece.execution_id, body.to_json())


RUNS = Subject((OUTPUT, EXECUTIONS), fact_of_run)
"""What runs print, and what becomes of them."""


def held_for_the_end(reach: Reach, run: Run) -> Hold:
    """Keeps the run's end from being told before the read models show it, and with it the final output."""
    place = Place(EXECUTIONS.name, run.partition)

    async def hold(batch: Batch) -> None:
        ends = [one.offset + 1 for one in batch.found if one.fact.type in _ENDS]
        if ends:
            await reach({place: ends[-1]})

    return hold


class OutputTeller:
    """Implements `Teller` for one run; it ends the stream with the run."""

    def __init__(self, run: Run, told: Told, look: Look) -> None:
        self._run = run
        self._told = told
        self._look = look

    def id_at(self, spot: Spot) -> str:
        return output_id_of(replace(self._told, position=spot[0]), self._run)

    async def told(self, found: Sequence[Found]) -> AsyncIterator[tuple[str, bytes]]:
        for one in found:
            if one.fact.type == OUTPUT_TYPE:
                news = self._news(OutputBody.model_validate_json(one.fact.data))
                if news is not None:
                    yield self._frame(one.spot, OUTPUT_TYPE, news.to_json())
                continue
            if one.fact.type in _ENDS:
                for body in self._rest(await self._shown()):
                    yield self._frame(one.spot, OUTPUT_TYPE, body.to_json())
            yield self._frame(one.spot, one.fact.type, one.fact.data)
            if one.fact.type in _ENDS:
                raise Ended(RUN_ENDED)

    def _frame(self, spot: Spot, type_: str, data: bytes) -> tuple[str, bytes]:
        id_ = self.id_at(spot)
        return id_, frames.event(id_, type_, data)

    def _news(self, body: OutputBody) -> OutputBody | None:
        """What of the piece was not told before."""
        if body.attempt < self._told.attempt:
            return None
        self._turn_to(body.attempt)
        told, data = self._told.count(body.stream), body.text.encode()
        end = body.offset + len(data)
        if data and end <= told:
            return None
        self._told = self._told.with_count(body.stream, max(told, end))
        if told <= body.offset:
            return body
        rest = data[told - body.offset :].decode(errors="replace")
        return body.model_copy(update={"offset": told, "text": rest})

    def _rest(self, execution: ExecutionView) -> Iterator[OutputBody]:
        """What the final output has beyond what was told."""
        self._turn_to(execution.attempt)
        for stream in OutputStream:
            told, (text, is_cut) = self._told.count(stream), _final(execution, stream)
            data = text.encode()
            if len(data) <= told:
                continue
            self._told = self._told.with_count(stream, len(data))
            yield OutputBody(
                type=OUTPUT_TYPE,
                at=execution.completed_at or execution.created_at,
                execution_id=execution.execution_id,
                attempt=execution.attempt,
                stream=stream,
                offset=told,
                text=data[told:].decode(errors="replace"),
                truncated=is_cut,
            )

    def _turn_to(self, attempt: int) -> None:
        if attempt != self._told.attempt:
            self._told = Told(self._told.position, attempt)

    async def _shown(self) -> ExecutionView:
        try:
            return await self._look()
        except ReadModelUnavailable:
            raise Ended("DATABASE_UNAVAILABLE") from None
        except ApiError:
            raise Ended("FORBIDDEN") from None


class EndReading:
    """Implements `Reading` for an execution that has ended: there is its end, and nothing else."""

    def __init__(self, execution: ExecutionView, begin: Spot) -> None:
        self._execution = execution
        self.begin = begin

    @property
    def passed(self) -> Spot | None:
        return None

    async def read(self, came: Came) -> None:
        await came.put(Batch([Found(_end_of(self._execution), 1, _NOWHERE, self.begin)], self.begin))


def _end_of(execution: ExecutionView) -> Fact:
    body = EventBody(
        type=f"execution.{execution.status}",
        at=execution.completed_at or execution.created_at,
        job_id=execution.job_id,
        execution_id=execution.execution_id,
        status=execution.status,
        scheduled_for=execution.scheduled_at,
        attempt=execution.attempt,
        worker_id=execution.worker_id,
        started_at=execution.started_at,
        completed_at=execution.completed_at,
        reason=execution.reason,
    )
    return Fact(execution.tenant_id, body.type, execution.job_id, execution.execution_id, body.to_json())


def _final(execution: ExecutionView, stream: OutputStream) -> tuple[str, bool]:
    """What is kept of the stream, and whether it was cut: a command has it in its result, a function beside it."""
    for told in (execution.metadata, execution.result):
        if isinstance(told, Mapping) and isinstance(text := told.get(stream.value), str):
            flags = execution.metadata if isinstance(execution.metadata, Mapping) else {}
            return text, flags.get(f"{stream.value}Truncated") is True
    return "", False
