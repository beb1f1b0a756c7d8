"""What it takes to make the jobs of a tenant those of the files: computed from both, without asking anybody.

A job of a file is the job with its `id`, else the one with its name. Jobs applied under `--set` carry the tag
`applied:<set>`; pruning takes only what carries the tag of its own set and is in no file.

Guarantee: what is unchanged is in no call, a change names the version that it was computed from, and nothing is
guessed: a name that several jobs have, a job of another set, a mask that stands for nothing are problems, and with a
problem there is no plan.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from horolog.cli.applying.differences import ABSENT, Difference, differences, literal_secrets, shown_body
from horolog.cli.applying.job_files import MARK_PREFIX, WantedJob
from horolog.domain.sensitive import MASK, Slot, is_secret, replaced, slots
from schemas.jobs import JobDefinition

Kind = Literal["create", "change", "unchanged", "delete"]
_NO_VALUE = "is the mask, which stands for no value here; write secret://name"
_FIELDS = tuple(field.alias or name for name, field in JobDefinition.model_fields.items())
_POSITION = {name: number for number, name in enumerate(_FIELDS)}


@dataclass(frozen=True, slots=True)
class PresentJob:
    """A job that the tenant has: its definition without what the server adds, secrets masked."""

    job_id: str
    name: str
    version: int
    status: str
    body: Mapping[str, Any]

    def marks(self) -> tuple[str, ...]:
        """The tags that say which set the job was applied under."""
        return tuple(tag for tag in self.body.get("tags", ()) if tag.startswith(MARK_PREFIX))


@dataclass(frozen=True, slots=True)
class Step:
    """One job, and what becomes of it. `kept` are the places of secrets that cannot be compared and are left alone."""

    kind: Kind
    name: str
    place: str | None = None
    job_id: str | None = None
    version: int | None = None
    body: Mapping[str, Any] | None = None
    differences: tuple[Difference, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """How to plan. Without a set, no job is marked; only with one can there be pruning."""

    set_name: str | None = None
    prune: bool = False
    send_secrets: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps, in the order of the files, what is deleted last; none while there are problems."""

    steps: tuple[Step, ...]
    problems: tuple[str, ...] = ()

    def changes(self) -> tuple[Step, ...]:
        """The steps that there is something to do for."""
        return tuple(step for step in self.steps if step.kind != "unchanged")


class _Unplanned(Exception):
    """Ends the planning of one job with a reason."""


def present_job(answer: Mapping[str, Any]) -> PresentJob:
    """A job of the API as far as its definition goes; a definition of a newer server is kept as it is."""
    raw = {name: answer[name] for name in _FIELDS if answer.get(name) is not None}
    try:
        body: Mapping[str, Any] = JobDefinition.read(raw).to_dict()
    except ValidationError:
        body = raw
    return PresentJob(str(answer["id"]), str(answer["name"]), int(answer["version"]), str(answer["status"]), body)


def plan(wanted: Sequence[WantedJob], present: Sequence[PresentJob], rules: Rules) -> Plan:
    """The steps from what is there to what is wanted, or everything that stands against them."""
    by_id = {one.job_id: one for one in present}
    by_name: dict[str, list[PresentJob]] = {}
    for one in present:
        by_name.setdefault(one.name, []).append(one)
    steps: list[Step] = []
    problems: list[str] = []
    meant: dict[str, WantedJob] = {}
    for job in wanted:
        try:
            found = _found(job, by_id, by_name)
            if found is not None and (other := meant.setdefault(found.job_id, job)) is not job:
                raise _Unplanned(f"is the same job as the one at {other.place}")
            steps.append(_step(job, found, rules))
        except _Unplanned as reason:
            problems.append(f"{job.place}: {job.name[:60]!r} {reason}")
    if problems:
        return Plan((), tuple(problems))
    return Plan((*steps, *_pruned(present, meant, rules)))


def _found(
    job: WantedJob, by_id: Mapping[str, PresentJob], by_name: Mapping[str, list[PresentJob]]
) -> PresentJob | None:
    if job.job_id is not None:
        if job.job_id not in by_id:
            raise _Unplanned(f"names the id {job.job_id}, which no job has; a new job gets its id from the server")
        return by_id[job.job_id]
    found = by_name.get(job.name, [])
    if len(found) > 1:
        ids = ", ".join(one.job_id for one in found)
        raise _Unplanned(f"is the name of {len(found)} jobs; say which is meant by its id: {ids}")
    return found[0] if found else None


def _step(job: WantedJob, found: PresentJob | None, rules: Rules) -> Step:
    _refuse_foreign(found, rules)
    body = _marked(job.body, found, rules)
    _refuse_empty_masks(body, found)
    if found is None:
        return Step("create", job.name, job.place, body=body, differences=_differences({}, body))
    shown, kept = _with_kept(body, found, rules)
    told = _differences(found.body, shown)
    kind: Kind = "change" if told else "unchanged"
    return Step(kind, job.name, job.place, found.job_id, found.version, body, told, kept)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Difference, ...]:
    told = differences(before, shown_body(after))
    return tuple(sorted(told, key=lambda one: _POSITION.get(one.field.partition(".")[0], len(_FIELDS))))


def _refuse_foreign(found: PresentJob | None, rules: Rules) -> None:
    foreign = [mark for mark in (found.marks() if found else ()) if mark != _mark(rules)]
    if rules.set_name is not None and foreign:
        raise _Unplanned(f"belongs to another set ({foreign[0]}); remove that tag first, or choose its set")


def _refuse_empty_masks(body: Mapping[str, Any], found: PresentJob | None) -> None:
    config = body["config"]
    held = _masked_keys(found) if found is not None and found.body.get("jobType") == body["jobType"] else frozenset()
    for slot, value in slots(config):
        if value == MASK and is_secret(config, slot, value) and slot.key not in held:
            raise _Unplanned(f"cannot be applied: {slot.field} {_NO_VALUE}")


def _masked_keys(found: PresentJob) -> frozenset[str]:
    return frozenset(slot.key for slot, value in slots(found.body["config"]) if value == MASK)


def _with_kept(body: Mapping[str, Any], found: PresentJob, rules: Rules) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The body to compare: a secret of the file counts as the one behind the mask, unless secrets are to be sent."""
    if rules.send_secrets:
        return body, ()
    held = _masked_keys(found)
    alike: set[Slot] = {slot for slot in literal_secrets(body) if slot.key in held}
    config = replaced(body["config"], lambda slot, value: MASK if slot in alike else value)
    return {**body, "config": config}, tuple(sorted(slot.field for slot in alike))


def _mark(rules: Rules) -> str:
    return f"{MARK_PREFIX}{rules.set_name}"


def _marked(body: Mapping[str, Any], found: PresentJob | None, rules: Rules) -> Mapping[str, Any]:
    """The body with the tag of its set; without a set, with what the job is marked by already."""
    marks = (_mark(rules),) if rules.set_name is not None else (found.marks() if found is not None else ())
    tags = [*body.get("tags", ()), *marks]
    try:
        return JobDefinition.read({**body, "tags": tags}).to_dict()
    except ValidationError as error:
        raise _Unplanned(f"has no room for the tag {marks[0]!r}: a job has at most 20 tags") from error


def _pruned(present: Sequence[PresentJob], meant: Mapping[str, WantedJob], rules: Rules) -> Iterator[Step]:
    if not rules.prune or rules.set_name is None:
        return
    for job in sorted(present, key=lambda one: (one.name, one.job_id)):
        if job.job_id not in meant and _mark(rules) in job.marks():
            gone = (Difference("name", job.name, ABSENT),)
            yield Step("delete", job.name, None, job.job_id, job.version, differences=gone)
