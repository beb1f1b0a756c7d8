"""Carrying out a plan, one call for each step, and telling what became of each.

Guarantee: a change is asked for the version that it was computed from, so that one of somebody else in between is
reported and not overwritten. A call's idempotency key is made of the step's content and version: a run that is
repeated after a crash asks for the same thing, which the API does once. No secret value is part of a key.

An answer to a derived key may be an older call's: a refusal that no longer holds, or a job that was deleted or renamed
since. Such a step was not made by that key, and is asked for once more under a new one.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from horolog.cli.applying.differences import shown_body
from horolog.cli.applying.plan import Step
from horolog.cli.client import Client
from horolog.cli.problems import REFUSED, CliProblem

Result = Literal["created", "changed", "deleted", "unchanged", "conflict", "refused", "unknown", "not tried"]
DONE: frozenset[Result] = frozenset({"created", "changed", "deleted", "unchanged"})
_CONFLICT, _GONE = "VERSION_CONFLICT", "JOB_NOT_FOUND"
# The API's answers (5xx) after which a change may have been made all the same.
_UNSETTLED = frozenset(
    {"LOCK_ACQUISITION_FAILED", "LOG_UNAVAILABLE", "DATABASE_UNAVAILABLE", "OVERLOADED", "AUTH_UNAVAILABLE"}
    | {"INTERNAL_ERROR"}
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a step; `detail` says why it is not done."""

    step: Step
    result: Result
    job_id: str | None = None
    detail: str = ""


def carry_out(client: Client, steps: Iterable[Step], known_ids: frozenset[str]) -> Iterator[Outcome]:
    """Do the steps in their order; after a call that nobody answered, the rest is not tried.

    `known_ids` are the jobs that there were before: a job that is created is none of them.
    """
    silent = False
    for step in steps:
        if step.kind == "unchanged":
            yield Outcome(step, "unchanged", step.job_id)
        elif silent:
            yield Outcome(step, "not tried", step.job_id, "nobody answered before its turn")
        else:
            outcome = _done(client, step, known_ids)
            silent = outcome.result == "unknown"
            yield outcome


def key_of(step: Step) -> str:
    """The idempotency key of a step: the same for the same content and version, whoever asks and whenever."""
    body = None if step.body is None else shown_body(step.body)
    text = json.dumps([step.kind, step.job_id, step.version, body], sort_keys=True, ensure_ascii=True)
    return f"apply-{hashlib.sha256(text.encode()).hexdigest()}"


def _done(client: Client, step: Step, known_ids: frozenset[str]) -> Outcome:
    try:
        outcome = _asked(client, step, key_of(step), known_ids)
        if outcome is None or outcome.result == "refused":
            outcome = _asked(client, step, None, known_ids) or Outcome(step, "refused", None, "the job is not there")
    except CliProblem as problem:
        return Outcome(step, "unknown", step.job_id, f"{problem.code}: {problem.message}")
    return outcome


def _asked(client: Client, step: Step, key: str | None, known_ids: frozenset[str]) -> Outcome | None:
    """What one call did; None when its answer is about a job that this step did not make.

    Raises:
        CliProblem: nobody answered, so that what was done is not known.
    """
    try:
        if step.kind == "create":
            job: Any = client.change("POST", "/jobs", step.body, key=key).body
            is_ours = str(job["id"]) not in known_ids and job["name"] == step.name
            return Outcome(step, "created", str(job["id"])) if is_ours else None
        path, tag = f"/jobs/{step.job_id}", f'"{step.version}"'
        if step.kind == "delete":
            client.change("DELETE", path, if_match=tag, key=key)
            return Outcome(step, "deleted", step.job_id)
        client.change("PUT", path, step.body, if_match=tag, key=key)
        return Outcome(step, "changed", step.job_id)
    except CliProblem as problem:
        return _refused(step, problem)


def _refused(step: Step, problem: CliProblem) -> Outcome | None:
    if problem.exit_code != REFUSED or problem.code in _UNSETTLED:
        raise problem
    if step.kind == "create":
        return Outcome(step, "refused", None, _sentence(problem))
    if step.kind == "delete" and problem.code == _GONE:
        return Outcome(step, "deleted", step.job_id, "was gone already")
    if problem.code in (_CONFLICT, _GONE):
        said = "was deleted" if problem.code == _GONE else "was changed"
        return Outcome(step, "conflict", step.job_id, f"{said} by somebody else meanwhile; run apply again to see how")
    return Outcome(step, "refused", step.job_id, _sentence(problem))


def _sentence(problem: CliProblem) -> str:
    found = (problem.details or {}).get("details")
    inner = [f"{one['field']} {one['message']}" for one in found or () if isinstance(one, dict) and "field" in one]
    return f"{problem.code}: {problem.message}" + (f" ({'; '.join(map(str, inner))})" if inner else "")
