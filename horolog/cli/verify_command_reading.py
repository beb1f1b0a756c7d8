"""What `horolog verify projections`, `horolog rebuild` and the like work on: a log, and the read models' database.

Guarantee: the log is only read, whoever owns it: Kafka, or the file of the embedded log, also while a process writes
to it. The database is that of DATABASE_URL; without it the one in the directory of a `horolog dev` that is stopped.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from horolog.adapters.servers import PrivatePostgres, ServerUnavailable
from horolog.cli.problems import REFUSED, UNREACHABLE, CliProblem, wrong_use
from horolog.cli.replay_reading import Source
from horolog.cli.replay_source import open_source, settings_in
from horolog.log.embedded.snapshot import SnapshotLog
from horolog.log.port import LogError, Place, Record
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError
from projections.connections import UNAVAILABLE
from projections.rebuild import History, RebuildRefused

PAGE_RECORD_COUNT = 1000

_Result = TypeVar("_Result")
Work = Callable[[History, str], Awaitable[_Result]]
"""Works on a log and the database at an address."""


class FileHistory:
    """Implements `History` on the file of an embedded log."""

    def __init__(self, log: SnapshotLog) -> None:
        self._log = log

    @property
    def partition_count(self) -> int:
        return self._log.partition_count

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return await self._log.starts(places)

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return await self._log.ends(places)

    async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        position = start
        while position < end:
            records, position = self._log.page(place, position, PAGE_RECORD_COUNT)
            if wanted := [record for record in records if record.offset < end]:
                yield wanted


def on_read_models(directory: Path | None, work: Work[_Result]) -> _Result:
    """What the work comes to, on the log and the database that the environment or the directory means.

    Raises:
        CliProblem: one of them is not there or cannot be read, or the work was refused.
    """

    async def on_both(settings: Settings, dsn: str) -> _Result:
        async with open_source(settings) as source:
            return await work(_history(source), dsn)

    return _on(directory, on_both)


def on_database(directory: Path | None, work: Callable[[str], Awaitable[_Result]]) -> _Result:
    """What the work comes to, on the database alone.

    Raises:
        CliProblem: as `on_read_models`.
    """

    async def on_it(_: Settings, dsn: str) -> _Result:
        return await work(dsn)

    return _on(directory, on_it)


def _on(directory: Path | None, work: Callable[[Settings, str], Coroutine[Any, Any, _Result]]) -> _Result:
    try:
        settings = settings_in(from_environment(os.environ), directory)
        if directory is not None:
            settings = replace(settings, database_url=None)
        with ExitStack() as stack:
            dsn = settings.database_url or stack.enter_context(_private_database(settings))
            return asyncio.run(work(settings, dsn))
    except SettingsError as error:
        raise wrong_use(str(error)) from error
    except RebuildRefused as error:
        raise CliProblem("REFUSED", f"{error}.", exit_code=REFUSED) from error
    except LogError as error:
        raise CliProblem("LOG_UNREADABLE", f"{error}.", "`horolog doctor` shows more.", UNREACHABLE) from error
    except ServerUnavailable as error:
        advice = "Stop the `horolog dev` that runs there, or set DATABASE_URL."
        raise CliProblem("DATABASE_UNREACHABLE", str(error), advice, UNREACHABLE) from error
    except (*UNAVAILABLE, asyncpg.PostgresError, TimeoutError) as error:
        message = f"The database cannot be used: {str(error) or type(error).__name__}."
        raise CliProblem("DATABASE_UNREACHABLE", message, "`horolog doctor` shows more.", UNREACHABLE) from error


def _private_database(settings: Settings) -> PrivatePostgres:
    place = settings.home / "postgres"
    if not place.is_dir():
        raise wrong_use("DATABASE_URL is not set, and there is no data of `horolog dev`.", "Set it, or give --dir.")
    return PrivatePostgres(place)


def _history(source: Source) -> History:
    if isinstance(source, SnapshotLog):
        return FileHistory(source)
    assert isinstance(source, History)
    return source
