"""`horolog apply`: make the jobs of a tenant those of files, and say what that changes.

Guarantee: nothing is sent while anything is wrong with a file, or cannot be told from what is there. A second run of
the same files does nothing. The exit code is 2 for a dry run that finds differences, else as everywhere.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from horolog.cli.applying.carrying_out import DONE, Outcome, carry_out
from horolog.cli.applying.job_files import Source, read_jobs
from horolog.cli.applying.plan import Plan, PresentJob, Rules, plan, present_job
from horolog.cli.applying.report import kept_line, outcome_lines, plan_lines, step_body, summary
from horolog.cli.client import Client, open_client
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_line, write_note
from horolog.cli.problems import OK, REFUSED, UNREACHABLE, CliProblem, wrong_use

DIFFERENT = 2
FILE_BYTES_MAX = 4 * 1024 * 1024
FILE_COUNT_MAX = 1000
PRESENT_COUNT_MAX = 1_000_000

_ENDINGS = (".yaml", ".yml", ".json")
_SET = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_STDIN = "-"


@dataclass(frozen=True, slots=True)
class ApplyFlags:
    """How far to go, and what to show."""

    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; exit 2 if there are differences.")] = False
    diff: Annotated[bool, typer.Option("--diff", help="Show each field that changes.")] = False
    set_name: Annotated[
        str | None, typer.Option("--set", metavar="NAME", help="Tag the jobs applied:NAME; for --prune.")
    ] = None
    prune: Annotated[bool, typer.Option("--prune", help="Delete jobs of the set that are in no file.")] = False
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False
    secrets: Annotated[
        Literal["refuse", "keep", "send"],
        typer.Option(help="Secret values in files: none; only with other changes; each time."),
    ] = "refuse"


def register(app: typer.Typer) -> None:
    """Declare the command."""
    app.command("apply", epilog="Example:  horolog apply -f jobs.yaml --dry-run --diff")(grouped(apply))


def apply(
    file: Annotated[
        list[str], typer.Option("--file", "-f", metavar="FILE|DIR|-", help="Of jobs, in YAML or JSON; several times.")
    ],
    flags: ApplyFlags,
    api: ApiOptions,
) -> int:
    """Create, change and (with --prune) delete jobs, so that they are those of the files."""
    rules = _rules(flags)
    wanted = read_jobs([source for name in file for source in _sources(name)], flags.secrets)
    _refuse("INVALID_FILE", wanted.problems)
    with open_client(api) as client:
        present = present_jobs(client)
        steps = plan(wanted.jobs, present, rules)
        _refuse("NOT_APPLICABLE", steps.problems)
        if flags.dry_run or not steps.changes():
            return _tell_plan(steps, flags, api.as_json)
        if flags.diff and not api.as_json:
            _tell_lines(plan_lines(steps, with_fields=True))
        if not _may_delete(steps, flags.yes, asks=not api.as_json and _STDIN not in file):
            return REFUSED
        return _tell_outcomes(steps, list(carry_out(client, steps.steps, _ids(present))), api.as_json)


def present_jobs(client: Client) -> list[PresentJob]:
    """Every job of the tenant."""
    return [present_job(job) for job in client.pages("/jobs", {}, PRESENT_COUNT_MAX)]


def read_source(path: Path, name: str) -> Source:
    """A file's text.

    Raises:
        CliProblem: it is too large, cannot be read, or is not UTF-8.
    """
    try:
        with path.open("rb") as opened:
            return _source(name, opened.read(FILE_BYTES_MAX + 1))
    except OSError as error:
        raise wrong_use(f"{name} cannot be read: {error.strerror}.") from error


def read_standard_input() -> Source:
    """The text on stdin, under the same bounds as a file."""
    return _source("<stdin>", sys.stdin.buffer.read(FILE_BYTES_MAX + 1))


def _source(name: str, data: bytes) -> Source:
    if len(data) > FILE_BYTES_MAX:
        raise wrong_use(f"{name} is larger than {FILE_BYTES_MAX} bytes.")
    try:
        return Source(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise wrong_use(f"{name} is not UTF-8 text.") from error


def _sources(name: str) -> list[Source]:
    if name == _STDIN:
        return [read_standard_input()]
    path = Path(name)
    if not path.is_dir():
        return [read_source(path, name)]
    found = sorted(inner for inner in path.rglob("*") if _is_of_jobs(inner, path) and inner.is_file())
    if not found or len(found) > FILE_COUNT_MAX:
        raise wrong_use(f"{name} holds {len(found)} files of jobs; from 1 to {FILE_COUNT_MAX} are read.")
    return [read_source(inner, str(inner)) for inner in found]


def _is_of_jobs(inner: Path, folder: Path) -> bool:
    parts = inner.relative_to(folder).parts
    return inner.suffix in _ENDINGS and not any(part.startswith(".") for part in parts)


def _rules(flags: ApplyFlags) -> Rules:
    if flags.set_name is not None and not _SET.fullmatch(flags.set_name):
        raise wrong_use("--set takes up to 40 lower-case letters, digits and . _ -, beginning with a letter or digit.")
    if flags.prune and flags.set_name is None:
        raise wrong_use("--prune needs --set: it deletes only what was applied under that name.")
    return Rules(flags.set_name, flags.prune, flags.secrets == "send")


def _refuse(code: str, problems: tuple[str, ...]) -> None:
    if problems:
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise CliProblem(code, f"There is {count}; nothing was changed.", details={"problems": list(problems)})


def _ids(present: list[PresentJob]) -> frozenset[str]:
    return frozenset(job.job_id for job in present)


def _may_delete(steps: Plan, yes: bool, asks: bool) -> bool:
    deleted = [step.name for step in steps.steps if step.kind == "delete"]
    if not deleted or yes:
        return True
    if not asks:
        raise wrong_use(f"{len(deleted)} jobs would be deleted, and nobody can be asked.", "Give --yes.")
    for name in deleted:
        write_note(f"- delete {name}")
    return typer.confirm(f"Delete {len(deleted)} jobs?", err=True)


def _tell_plan(steps: Plan, flags: ApplyFlags, as_json: bool) -> int:
    if as_json:
        told = [step_body(step) for step in steps.steps]
        write_json({"dryRun": flags.dry_run, "summary": summary(steps), "steps": told})
    else:
        _tell_lines(plan_lines(steps, flags.diff))
        write_line(summary(steps))
        _tell_kept(steps)
    return DIFFERENT if steps.changes() else OK


def _tell_outcomes(steps: Plan, outcomes: list[Outcome], as_json: bool) -> int:
    lines = list(outcome_lines(outcomes))
    if as_json:
        told = [step_body(outcome.step, outcome) for outcome in outcomes]
        write_json({"dryRun": False, "summary": lines[-1], "steps": told})
    else:
        _tell_lines(iter(lines))
        _tell_kept(steps)
    if any(outcome.result == "unknown" for outcome in outcomes):
        return UNREACHABLE
    return OK if all(outcome.result in DONE for outcome in outcomes) else REFUSED


def _tell_lines(lines: Iterator[str]) -> None:
    for line in lines:
        write_line(line)


def _tell_kept(steps: Plan) -> None:
    if (line := kept_line(steps)) is not None:
        write_note(line)
