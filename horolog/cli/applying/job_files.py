"""Which jobs a set of files wants: every entry judged, everything wrong named with its file and line.

A file holds a list of jobs, or `jobs:` with one; each entry is a body as `POST /jobs` takes it, and may name the `id`
of a job that exists. Guarantee: either every entry is a good definition of its own, or there are problems; an entry's
name, or its id, is in no other entry.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from horolog.cli.applying.job_text import Path, Placed, TextProblem, looks_like_json, read_text
from horolog.cli.definition_check import definition_problems
from horolog.domain.sensitive import ERASED, MASK, is_secret, slots, without_credentials
from schemas.base import UUID_PATTERN
from schemas.jobs import JobDefinition

JOB_COUNT_MAX = 20_000
MARK_PREFIX = "applied:"
SecretRule = Literal["refuse", "keep", "send"]

_ID = "id"
_LITERAL = (
    "is kept secret, so nobody can tell later whether it changed; write secret://name, or choose --secrets keep or send"
)


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one file, and how it is called in problems."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class WantedJob:
    """A job that a file wants: its definition as the API keeps it, and where it stands."""

    place: str
    job_id: str | None
    name: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WantedJobs:
    """What the files want, in their order; nothing is to be done while there are problems."""

    jobs: tuple[WantedJob, ...]
    problems: tuple[str, ...]


def read_jobs(sources: Sequence[Source], secrets: SecretRule = "refuse") -> WantedJobs:
    """The jobs of the files, and everything that is wrong with them, each as `file:line: what`."""
    jobs: list[WantedJob] = []
    problems: list[str] = []
    for source in sources:
        try:
            documents = read_text(source.text, looks_like_json(source.name, source.text))
        except TextProblem as problem:
            problems.append(f"{source.name}:{problem.line}: {problem.message}")
            continue
        for document in documents:
            _read_document(source.name, document, secrets, (jobs, problems))
    problems += _repeated(jobs)
    if len(jobs) > JOB_COUNT_MAX:
        problems.append(f"{sources[0].name}:1: there are {len(jobs)} jobs; at most {JOB_COUNT_MAX} are applied at once")
    return WantedJobs(tuple(jobs), tuple(problems))


def _read_document(name: str, document: Placed, secrets: SecretRule, found: tuple[list[WantedJob], list[str]]) -> None:
    jobs, problems = found
    entries, path, complaint = _entries(document.data)
    if complaint is not None:
        problems.append(f"{name}:{document.line(complaint[0])}: {complaint[1]}")
    for number, entry in enumerate(entries):
        here = (*path, number)
        wrong = list(_entry_problems(entry, secrets))
        problems += [_told(name, document, (*here, *inner), message) for inner, message in wrong]
        if not wrong:
            jobs.append(_wanted(f"{name}:{document.line(here)}", entry))


def _entries(data: Any) -> tuple[list[Any], Path, tuple[Path, str] | None]:
    """The entries of a document, where they stand in it, and what is wrong with what is around them."""
    if isinstance(data, list):
        return data, (), None
    if not isinstance(data, dict):
        return [], (), ((), "holds neither a list of jobs nor `jobs:` with one")
    entries = data.get("jobs")
    if not isinstance(entries, list):
        return [], (), (("jobs",), "`jobs:` must be there, with a list of jobs")
    unknown = next((key for key in data if key != "jobs"), None)
    if unknown is not None:
        told = f"{unknown[:60]!r} is not known here; a file has `jobs:` and nothing beside"
        return entries, ("jobs",), ((unknown,), told)
    return entries, ("jobs",), None


def _entry_problems(entry: Any, secrets: SecretRule) -> Iterator[tuple[Path, str]]:
    if not isinstance(entry, dict):
        yield (), "a job must be a mapping of names to values"
        return
    body = {name: value for name, value in entry.items() if name != _ID}
    job_id = entry.get(_ID)
    if _ID in entry and not _is_uuid(job_id):
        yield (_ID,), "id: must be the id of a job, as the server made it"
    for problem in definition_problems(body):
        yield tuple(problem["field"].split(".")), f"{problem['field']}: {problem['message']}"
    tags = body.get("tags")
    if isinstance(tags, list) and any(isinstance(tag, str) and tag.startswith(MARK_PREFIX) for tag in tags):
        yield ("tags",), f"tags: those that begin with {MARK_PREFIX!r} are apply's own; --set gives them"
    if isinstance(config := body.get("config"), dict):
        yield from _secret_problems(config, secrets)


def _secret_problems(config: Mapping[str, Any], secrets: SecretRule) -> Iterator[tuple[Path, str]]:
    if isinstance(url := config.get("url"), str) and without_credentials(url) != url:
        yield ("config", "url"), "config.url: must not carry credentials; put them into a header, as secret://name"
    for slot, value in slots(config):
        if not is_secret(config, slot, value) or value == MASK:
            continue
        path = tuple(filter(None, ("config", slot.part, slot.name)))
        if value == ERASED:
            yield path, f"{slot.field}: was erased; write secret://name"
        elif secrets == "refuse":
            yield path, f"{slot.field}: {_LITERAL}"


def _is_uuid(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(UUID_PATTERN, value) is not None


def _told(name: str, document: Placed, path: Path, message: str) -> str:
    is_list = isinstance(document.data, list)
    entries: Any = document.data if is_list else document.data["jobs"]
    entry = entries[path[0 if is_list else 1]]
    known = entry.get("name") if isinstance(entry, dict) else None
    which = f"{known[:60]!r}: " if isinstance(known, str) else ""
    return f"{name}:{document.line(_indexed(path))}: {which}{message}"


def _indexed(path: Path) -> Path:
    """The path with numbers where places in lists are meant."""
    return tuple(int(part) if isinstance(part, str) and part.isdecimal() and len(part) < 7 else part for part in path)


def _wanted(place: str, entry: Mapping[str, Any]) -> WantedJob:
    body = JobDefinition.read({name: value for name, value in entry.items() if name != _ID}).to_dict()
    return WantedJob(place, entry.get(_ID), str(body["name"]), body)


def _repeated(jobs: Sequence[WantedJob]) -> Iterator[str]:
    names: dict[str, WantedJob] = {}
    ids: dict[str, WantedJob] = {}
    for job in jobs:
        before = names.setdefault(job.name, job)
        if before is not job and (job.job_id is None or before.job_id is None):
            yield f"{job.place}: the name {job.name[:60]!r} is at {before.place} already; only ids can tell them apart"
        if job.job_id is not None and (first := ids.setdefault(job.job_id, job)) is not job:
            yield f"{job.place}: the id {job.job_id} is at {first.place} already"
