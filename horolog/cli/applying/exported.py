"""The jobs of a tenant as a file: what was chosen of each, and nothing that a server made.

Guarantee: the same jobs give the same file, in whatever order they come; applied to a tenant without jobs and exported
again, it is the same file still. A secret's place holds its reference or the mask: apply takes the mask for the value
that the job has already, and refuses it, by the field's name, where there is none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from horolog.cli.applying.job_files import MARK_PREFIX
from horolog.cli.applying.job_writing import written_jobs
from horolog.cli.applying.plan import PresentJob
from horolog.cli.problems import CliProblem
from horolog.domain.sensitive import ERASED, MASK, slots
from schemas.jobs import JobDefinition

HEADER = ("Jobs of Horolog, for `horolog apply -f`; docs/apply.md says how to read them.",)


@dataclass(frozen=True, slots=True)
class Export:
    """The documents, the file that they make, and what of the jobs is not in it."""

    documents: tuple[Mapping[str, Any], ...]
    text: str
    notes: tuple[str, ...]


def exported(jobs: Sequence[PresentJob], annotate: bool = False) -> Export:
    """The jobs by their names; with `annotate`, ids, versions and states stand in comments.

    Raises:
        CliProblem: a job is of a newer server, and has what is not known here.
    """
    ordered = sorted(jobs, key=lambda job: (job.name, job.job_id))
    counts = Counter(job.name for job in ordered)
    documents = tuple(_document(job, counts[job.name] > 1) for job in ordered)
    comments: dict[int, str] = {}
    if annotate:
        comments = {number: _comment(job) for number, job in enumerate(ordered)}
    notes = tuple(note for job in ordered for note in _notes(job, counts[job.name] > 1))
    return Export(documents, written_jobs(documents, HEADER, comments), notes)


def chosen(definition: JobDefinition) -> dict[str, Any]:
    """What a definition says beyond the defaults; free mappings in the order of their names."""
    body: dict[str, Any] = definition.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    config = {name: _ordered(value) for name, value in body["config"].items()}
    return {name: config if name == "config" else value for name, value in body.items()}


def _document(job: PresentJob, is_ambiguous: bool) -> dict[str, Any]:
    try:
        definition = JobDefinition.read(dict(job.body))
    except ValidationError as error:
        advice = "Use the horolog command of the server's version."
        raise CliProblem("UNKNOWN_JOB", f"The job {job.name[:60]!r} has what is not known here.", advice) from error
    body = chosen(definition)
    if tags := [tag for tag in body.pop("tags", ()) if not tag.startswith(MARK_PREFIX)]:
        body["tags"] = tags
    names = [field.alias or name for name, field in JobDefinition.model_fields.items()]
    ordered = {name: body[name] for name in names if name in body}
    return {"id": job.job_id, **ordered} if is_ambiguous else ordered


def _ordered(value: Any) -> Any:
    """The value with its mappings in the order of their names; PostgreSQL does not keep any other."""
    if isinstance(value, Mapping):
        return {name: _ordered(value[name]) for name in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _comment(job: PresentJob) -> str:
    return ", ".join([f"id {job.job_id}", f"version {job.version}", job.status, *job.marks()])


def _notes(job: PresentJob, is_ambiguous: bool) -> list[str]:
    places = [slot.field for slot, value in slots(job.body["config"]) if value in (MASK, ERASED)]
    notes = [f"{place} is kept secret: a new job needs secret://name there" for place in places]
    if job.status != "active":
        notes.append(f"is {job.status}, which a file does not say: a new job is active")
    if is_ambiguous:
        notes.append("shares its name with another job, so that its id is in the file; only this tenant has that")
    return [f"{job.name}: {note}" for note in notes]
