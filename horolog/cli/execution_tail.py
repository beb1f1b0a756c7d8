"""Following one execution to its end.

Guarantee: neither its end nor anything that it put out is missed: what was not told while it went on is in what the
ledger has of it, and is written at the end. Nothing is written twice. Output is masked, bounded, and unable to steer
the terminal.
"""

import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any, TextIO

from horolog.cli.client import Client
from horolog.cli.output import printable, write_json, write_note
from horolog.cli.problems import OK, REFUSED
from horolog.client.following import Source
from horolog.client.run_output import RunEvent, RunOf
from schemas.events.output import OutputStream
from schemas.http_events import EventBody, OutputBody

_OPEN = frozenset({"pending", "running"})


def follow_execution(client: Client, execution_id: str, *, as_json: bool) -> int:
    """Write each change and what it puts out, as it comes; the exit code tells whether it completed."""
    found = client.get(f"/executions/{execution_id}")
    screen = _Screen(found)
    if found["status"] in _OPEN:
        if not as_json:
            screen.note(f"{found['scheduledAt']}  {found['status']}")
        _follow(client, found["id"], screen, as_json)
        found = client.get(f"/executions/{execution_id}")
    if as_json:
        write_json(found)
    else:
        screen.end(found)
    return OK if found["status"] == "completed" else REFUSED


def _follow(client: Client, execution_id: str, screen: "_Screen", as_json: bool) -> None:
    where: Source[RunEvent] = RunOf(execution_id)
    with closing(client.events(client.following(where))) as events:
        for event in events:
            if as_json:
                write_json({"id": event.id, **event.body.to_dict()})
            else:
                screen.tell(event.body)
            if isinstance(event.body, EventBody) and event.body.status not in (None, *_OPEN):
                return


def event_line(body: EventBody) -> str:
    """An event on one line: when, what, and of it what says most."""
    parts = [body.at.isoformat(), f"{body.type:<24}"]
    parts.extend(told for told in (body.status, body.execution_id or body.job_id, body.name) if told)
    if body.attempt is not None and body.attempt > 1:
        parts.append(f"attempt {body.attempt}")
    if body.progress is not None:
        parts.append(f"{body.progress} %")
    parts.extend(told for told in (body.actor, body.action, body.object, body.outcome, body.reason) if told)
    if body.failure is not None:
        parts.append(f"{body.failure.code}: {body.failure.message}")
    return "  ".join(parts)


class _Screen:
    """What was written of an execution: its state, and of an attempt's two streams how much, and whether in a line."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._state = (found["status"], found["attempt"], found["progress"])
        self._attempt = 0
        self._counts = dict.fromkeys(OutputStream, 0)
        self._is_in_line = dict.fromkeys(OutputStream, False)

    def tell(self, body: EventBody | OutputBody) -> None:
        """Write a piece of output where it belongs, and a change beside it."""
        if isinstance(body, OutputBody):
            self._show(body)
            return
        state = (body.status, body.attempt, body.progress)
        if state != self._state:
            self.note(event_line(body))
        self._state = state

    def _show(self, body: OutputBody) -> None:
        self._turn_to(body.attempt)
        missing = body.offset - self._counts[body.stream]
        if missing > 0:
            self.note(f"{missing} bytes of {body.stream} were not told while it went on; they are in its final output")
        self._write(body.stream, body.text)
        self._counts[body.stream] = body.offset + len(body.text.encode())

    def note(self, text: str) -> None:
        """A line beside the output."""
        self._end_line(OutputStream.STDERR)
        write_note(text)

    def end(self, found: Mapping[str, Any]) -> None:
        """Write how it ended, and what of its output was not written yet."""
        parts = [f"{found['completedAt'] or found['scheduledAt']}", found["status"]]
        parts.extend(str(found[name]) for name in ("reason", "errorCode", "errorMessage") if found.get(name))
        self.note("  ".join(parts))
        self._turn_to(found["attempt"])
        kept = _kept(found)
        for stream in (OutputStream.STDERR, OutputStream.STDOUT):
            rest = kept.get(stream, "").encode()[self._counts[stream] :]
            self._write(stream, rest.decode(errors="replace"))
            self._end_line(stream)
        if OutputStream.STDOUT not in kept and found.get("result") is not None:
            write_json(found["result"])

    def _turn_to(self, attempt: int) -> None:
        if attempt != self._attempt:
            self._attempt = attempt
            for stream in OutputStream:
                self._end_line(stream)
            self._counts = dict.fromkeys(OutputStream, 0)

    def _write(self, stream: OutputStream, text: str) -> None:
        if not text:
            return
        lines = text.replace("\r\n", "\n").split("\n")
        file = _file_of(stream)
        file.write("\n".join(map(printable, lines)))
        file.flush()
        self._is_in_line[stream] = lines[-1] != ""

    def _end_line(self, stream: OutputStream) -> None:
        if self._is_in_line[stream]:
            self._is_in_line[stream] = False
            _file_of(stream).write("\n")
            _file_of(stream).flush()


def _file_of(stream: OutputStream) -> TextIO:
    return sys.stdout if stream is OutputStream.STDOUT else sys.stderr


def _kept(found: Mapping[str, Any]) -> dict[OutputStream, str]:
    """The streams of an execution that has ended: a command has them in its result, a function beside it."""
    told = [one for one in (found.get("result"), found.get("metadata")) if isinstance(one, dict)]
    return {stream: one[stream] for one in told for stream in OutputStream if isinstance(one.get(stream), str)}
