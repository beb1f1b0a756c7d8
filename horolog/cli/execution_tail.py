"""Following one execution to its end.

Guarantee: no change is missed between the look at what there is and the stream of what follows, for the stream's place
is taken first. What the execution put out is shown as the ledger has it: masked, bounded, and unable to steer the
terminal.
"""

import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from horolog.cli.client import Client
from horolog.cli.output import printable, write_json, write_line, write_note
from horolog.cli.problems import OK, REFUSED
from horolog.client.following import EventFilter
from schemas.http_events import EventBody

_OPEN = frozenset({"pending", "running"})
_State = tuple[Any, ...]


def follow_execution(client: Client, execution_id: str, *, as_json: bool) -> int:
    """Write each change and, at its end, what it put out; the exit code tells whether it completed."""
    where = EventFilter(execution_id=execution_id)
    opening = client.following(where, follow=False)
    for _ in client.events(opening):
        # What was on its way when the place was taken is in the answer below.
        pass
    found = client.get(f"/executions/{execution_id}")
    if found["status"] in _OPEN:
        _follow(client, where, (opening.last_id, found), as_json)
        found = client.get(f"/executions/{execution_id}")
    if as_json:
        write_json(found)
    else:
        _write_end(found)
    return OK if found["status"] == "completed" else REFUSED


def _follow(client: Client, where: EventFilter, begin: tuple[str | None, Mapping[str, Any]], as_json: bool) -> None:
    since_id, found = begin
    if not as_json:
        write_note(f"{found['scheduledAt']}  {found['status']}")
    seen: _State = (found["status"], found["attempt"], found["progress"])
    with closing(client.events(client.following(where, since_id))) as events:
        for event in events:
            state = (event.body.status, event.body.attempt, event.body.progress)
            if as_json:
                write_json({"id": event.id, **event.body.to_dict()})
            elif state != seen:
                write_note(event_line(event.body))
            seen = state
            if event.body.status not in (None, *_OPEN):
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


def _write_end(found: Mapping[str, Any]) -> None:
    parts = [f"{found['completedAt'] or found['scheduledAt']}", found["status"]]
    parts.extend(str(found[name]) for name in ("reason", "errorCode", "errorMessage") if found.get(name))
    write_note("  ".join(parts))
    told = [one for one in (found.get("result"), found.get("metadata")) if isinstance(one, dict)]
    streams = {name: one[name] for one in told for name in ("stdout", "stderr") if isinstance(one.get(name), str)}
    for line in streams.get("stderr", "").splitlines():
        sys.stderr.write(printable(line) + "\n")
    for line in streams.get("stdout", "").splitlines():
        write_line(line)
    if "stdout" not in streams and found.get("result") is not None:
        write_json(found["result"])
