"""What an apply would do, or did, in words and in JSON.

Guarantee: secrets are in neither; a run that changed nothing says so, and one that was not whole says what is missing.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from horolog.cli.applying.carrying_out import Outcome
from horolog.cli.applying.differences import ABSENT, Difference
from horolog.cli.applying.plan import Plan, Step
from horolog.cli.output import shown

_SIGNS = {"create": "+", "change": "~", "delete": "-", "unchanged": " "}
_TOLD_LENGTH_MAX = 200


def plan_lines(plan: Plan, with_fields: bool) -> Iterator[str]:
    """What a plan would do, job by job; with its fields too, if they are wanted."""
    for step in plan.changes():
        yield f"{_SIGNS[step.kind]} {step.kind} {step.name}" + (f"  ({step.place})" if step.place else "")
        if with_fields and step.kind != "delete":
            yield from (f"    {_field_line(one)}" for one in step.differences)


def summary(plan: Plan) -> str:
    """The plan in one sentence."""
    counts = Counter(step.kind for step in plan.steps)
    if not plan.changes():
        return f"Nothing to do: {_jobs(counts['unchanged'])}."
    told = [f"{counts[kind]} to {kind}" for kind in ("create", "change", "delete") if counts[kind]]
    return f"{', '.join(told)}, {counts['unchanged']} unchanged."


def outcome_lines(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """What became of each step that there was something to do for, and the whole in one sentence."""
    for outcome in outcomes:
        if outcome.result != "unchanged":
            yield f"{outcome.result} {outcome.step.name}" + (f": {outcome.detail}" if outcome.detail else "")
    counts = Counter(outcome.result for outcome in outcomes)
    yield ", ".join(f"{count} {result}" for result, count in counts.items()) + "."


def kept_line(plan: Plan) -> str | None:
    """What is to be said of secrets that could not be compared, if there are any."""
    kept = [place for step in plan.steps if step.kind == "unchanged" for place in step.kept]
    if not kept:
        return None
    return f"{len(kept)} secret values of the files cannot be compared and are left alone; --secrets send sends them."


def step_body(step: Step, outcome: Outcome | None = None) -> dict[str, Any]:
    """A step for machines, and what became of it."""
    pairs = {
        "kind": step.kind,
        "name": step.name,
        "place": step.place,
        "jobId": step.job_id or (outcome.job_id if outcome else None),
        "version": step.version,
        "differences": [one.to_dict() for one in step.differences] if step.kind in ("create", "change") else None,
        "keptSecrets": list(step.kept) or None,
        "result": outcome.result if outcome else None,
        "detail": (outcome.detail if outcome else None) or None,
    }
    return {name: value for name, value in pairs.items() if value is not None}


def _field_line(one: Difference) -> str:
    if one.before is ABSENT:
        return f"+ {one.field}: {_cut(one.after)}"
    if one.after is ABSENT:
        return f"- {one.field}: {_cut(one.before)}"
    return f"~ {one.field}: {_cut(one.before)} → {_cut(one.after)}"


def _cut(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= _TOLD_LENGTH_MAX else f"{text[:_TOLD_LENGTH_MAX]}… ({len(text)} characters)"


def _jobs(count: int) -> str:
    if count == 0:
        return "the files hold no jobs"
    return "the one job is as the files say" if count == 1 else f"all {count} jobs are as the files say"
