"""What is sent: one JSON document for every message, and the words of it for people.

Guarantee: a document is made once and kept as it is, so that every attempt sends the same bytes. It holds ids, names,
instants, codes and numbers; never a job's config, its result, or the text of an error.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from horolog.domain.notifications.facts import KnownJob
from horolog.domain.notifications.fold import Made
from horolog.domain.notifications.rules import FACTUAL, Kind, Rule

_WORDS: Mapping[Kind, str] = {
    Kind.FAILED: "failed",
    Kind.RECOVERED: "recovered",
    Kind.LATE: "started late",
    Kind.MISSED: "missed its time",
    Kind.DISABLED: "will not run any more",
    Kind.QUOTA: "was left out by a quota",
}


def document_of(made: Made, job: KnownJob | None) -> str:
    """The document of a message. `type` is that of the last fact."""
    fact = made.last
    last: dict[str, Any] = {
        "kind": fact.kind,
        "at": _time(fact.at),
        "executionId": fact.execution_id,
        "scheduledFor": _time(fact.scheduled_for),
        "cause": fact.cause,
        "lateSeconds": None if fact.late_s is None else round(fact.late_s, 3),
        "missedCount": fact.missed_count,
        "missedUntil": _time(fact.missed_until),
    }
    about = None if fact.job_id is None else {"id": fact.job_id, "name": job.name if job else ""}
    data = {
        **_of_rule(made.rule),
        "job": about,
        "count": made.count,
        "counts": {kind: made.counts[kind] for kind in FACTUAL if made.counts.get(kind)},
        "firstAt": _time(made.first_at),
        "last": {name: value for name, value in last.items() if value is not None},
        "droppedCount": made.dropped_count,
    }
    return _written(fact.kind, fact.at, data)


def trial_document_of(rule: Rule, at: datetime) -> str:
    """The document of a message that somebody asked for, to see whether it arrives."""
    last = {"kind": Kind.TEST, "at": _time(at)}
    told = {"job": None, "count": 0, "counts": {}, "firstAt": _time(at), "last": last, "droppedCount": 0}
    return _written(Kind.TEST, at, {**_of_rule(rule), **told})


def title_of(document: Mapping[str, Any]) -> str:
    """One line for people. What a tenant wrote in it has no control characters left."""
    data = document["data"]
    if data["last"]["kind"] == Kind.TEST:
        return one_line(f"Test of the rule {data['rule']['name']}")
    about = "The tenant" if data["job"] is None else f"Job {data['job']['name'] or data['job']['id']}"
    more = f" ({data['count']} in all)" if data["count"] > 1 else ""
    return one_line(f"{about} {_WORDS[Kind(data['last']['kind'])]}{more}")


def text_of(document: Mapping[str, Any]) -> str:
    """A few lines for people, of which the first is the title."""
    data = document["data"]
    last = data["last"]
    lines = [title_of(document), f"at {last['at']}"]
    if len(data["counts"]) > 1 or data["count"] > 1:
        told = ", ".join(f"{kind}: {count}" for kind, count in data["counts"].items())
        lines.append(f"since {data['firstAt']}: {told}")
    for name, words in (
        ("scheduledFor", "due"),
        ("cause", "cause"),
        ("lateSeconds", "seconds late"),
        ("missedCount", "instants missed"),
        ("executionId", "execution"),
    ):
        if name in last:
            lines.append(f"{words} {last[name]}")
    if data["droppedCount"]:
        lines.append(f"{data['droppedCount']} more before this were not told: the rule had spoken too often")
    lines.append(f"rule {data['rule']['name']}")
    return "\n".join(map(one_line, lines))


def one_line(text: str) -> str:
    """The text without anything that ends a line or steers a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def _of_rule(rule: Rule) -> dict[str, Any]:
    return {"tenantId": rule.tenant_id, "rule": {"id": rule.id, "name": rule.name}}


def _written(kind: Kind, at: datetime, data: Mapping[str, Any]) -> str:
    return json.dumps({"type": f"job.{kind}", "timestamp": _time(at), "data": data}, separators=(",", ":"))


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
