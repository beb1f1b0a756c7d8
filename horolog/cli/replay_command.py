"""`horolog replay`: the log read for audit, as it was written, or folded into the jobs as they were at an instant."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from horolog.cli.options import Json, grouped
from horolog.cli.output import write_json, write_line, write_note, write_table
from horolog.cli.problems import OK, UNREACHABLE, CliProblem, wrong_use
from horolog.cli.replay_filters import Entry, Filters, known_topics, known_types
from horolog.cli.replay_lines import instant_text, job_of, line_of, object_of
from horolog.cli.replay_reading import Source, replayed
from horolog.cli.replay_source import open_source, settings_in
from horolog.domain.history import existing, note_change
from horolog.log.port import LogError
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError
from schemas.codec import RecordError, decode
from schemas.events.jobs import JobChanged
from schemas.jobs import Job
from schemas.topics import JOBS

_COLUMNS = ("id", "tenant", "name", "status", "version", "cronExpression", "timezone", "updatedAt")


def instant(text: str | datetime) -> datetime:
    """An ISO 8601 instant; without an offset it is UTC.

    Raises:
        typer.BadParameter: for anything else.
    """
    try:
        found = datetime.fromisoformat(str(text))
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{str(text)[:40]!r} is not an instant such as 2026-01-01T00:00:00Z.") from None


@dataclass(frozen=True, slots=True)
class Which:
    """Which records."""

    tenant: Annotated[str | None, typer.Option(help="Of this tenant (id).")] = None
    job: Annotated[str | None, typer.Option(help="That name this job (id).")] = None
    execution: Annotated[str | None, typer.Option(help="That name this execution or fire (id).")] = None
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Of this type, or group such as job; may be repeated.")
    ] = None
    topic: Annotated[list[str] | None, typer.Option(help="On this topic; may be repeated.")] = None
    since: Annotated[
        datetime | None, typer.Option("--from", parser=instant, metavar="ISO", help="Not before this instant.")
    ] = None
    until: Annotated[
        datetime | None, typer.Option("--to", parser=instant, metavar="ISO", help="Before this instant.")
    ] = None

    def filters(self) -> Filters:
        """The filters that were given.

        Raises:
            CliProblem: a type or a topic that does not exist.
        """
        types, topics = known_types(self.type_ or ()), known_topics(self.topic or ())
        return Filters(self.tenant, self.job, self.execution, types, topics, self.since, self.until)


def register(app: typer.Typer) -> None:
    """Declare the command."""
    epilog = "Example:  horolog replay --type job --from 2026-03-01T00:00:00Z --json"
    app.command("replay", epilog=epilog)(grouped(replay))


def replay(
    which: Which,
    as_of: Annotated[
        datetime | None, typer.Option(parser=instant, metavar="ISO", help="Show the jobs as they were then instead.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    directory: Annotated[
        Path | None, typer.Option("--dir", file_okay=False, help="Of `horolog dev`; else Kafka, else HOROLOG_HOME.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Read the log for audit, oldest first; changes nothing, also while the system runs.

    Topics of derived state and signs of life (job-table, workers, checkpoints) are read only when they are named.
    """
    filters = which.filters()
    if as_of is not None and (which.execution or which.type_ or which.topic or which.since or which.until):
        raise wrong_use("--as-of goes with --tenant, --job and --limit only.", "horolog replay --help shows how.")
    try:
        settings = settings_in(from_environment(os.environ), directory)
        if as_of is not None:
            asyncio.run(_show_jobs(settings, filters, as_of, limit, as_json))
        else:
            asyncio.run(_show_records(settings, filters, limit, as_json))
    except SettingsError as error:
        raise wrong_use(str(error)) from error
    except LogError as error:
        raise CliProblem("LOG_UNREADABLE", f"{error}.", "`horolog doctor` shows more.", UNREACHABLE) from error
    return OK


async def _show_records(settings: Settings, filters: Filters, limit: int | None, as_json: bool) -> None:
    left = limit
    async with open_source(settings) as source, aclosing(_entries(source, filters)) as entries:
        async for entry in entries:
            if as_json:
                write_json(object_of(entry))
            else:
                write_line(line_of(entry))
            left = None if left is None else left - 1
            if left == 0:
                return


async def _show_jobs(settings: Settings, filters: Filters, at: datetime, limit: int | None, as_json: bool) -> None:
    jobs: dict[str, Job] = {}
    refused = 0
    changes = replace(filters, topics=(JOBS,))
    async with open_source(settings) as source, aclosing(_entries(source, changes)) as entries:
        async for entry in entries:
            record = entry.record
            try:
                change = decode(record.topic, record.headers, record.value)
            except RecordError:
                refused += 1
                continue
            assert isinstance(change, JobChanged)
            note_change(jobs, change, at)
    found = existing(jobs)[:limit]
    if as_json:
        write_json({"asOf": instant_text(at), "jobs": [job_of(job) for job in found]})
    else:
        write_table(_COLUMNS, (_row(job) for job in found))
    if refused:
        write_note(f"{refused} records on {JOBS.name} are no job changes and were passed over.")


def _entries(source: Source, filters: Filters) -> AsyncGenerator[Entry, None]:
    return replayed(source, filters.places(source.partition_count), filters.accepts)


def _row(job: Job) -> tuple[object, ...]:
    definition = job.definition
    schedule = (definition.cron_expression, definition.timezone)
    return job.job_id, job.tenant_id, definition.name, job.status.value, job.version, *schedule, job.updated_at
