"""The work of `horolog backup`, `horolog restore` and `horolog verify backup`.

Guarantee: a backup's file appears whole or not at all, is never written over, and nobody but its owner can read it.
"""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import asyncpg

from horolog.adapters.system import SystemClock
from horolog.backup.archive import ArchiveWriter
from horolog.backup.backing_up import BackupRefused, back_up
from horolog.backup.keys import BackupKey, BackupKeyError, backup_key
from horolog.backup.restoring import RestoreRefused, refuse_unfit, restore_surveyed
from horolog.backup.sealing import SALT_BYTES, ArchiveError
from horolog.backup.survey import survey
from horolog.cli.backup_source import open_still
from horolog.cli.output import write_json, write_line, write_pairs
from horolog.cli.problems import OK, UNREACHABLE, CliProblem, wrong_use
from horolog.cli.replay_source import settings_in
from horolog.log.port import LogError
from horolog.log_opening import open_log
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError
from projections.connections import UNAVAILABLE
from projections.rebuild import holds_positions

_Result = TypeVar("_Result")


def back_up_log(target: Path, directory: Path | None, as_json: bool) -> int:
    """Make the backup; the exit code.

    Raises:
        CliProblem: there is none.
    """
    key, settings, clock = _key(), _settings(directory), SystemClock()

    async def work() -> dict[str, Any]:
        async with open_still(settings, clock) as source:
            with _appearing(target) as file:
                writer = ArchiveWriter(file, key, secrets.token_bytes(SALT_BYTES))
                report = await back_up(source, writer, clock.now())
        return {
            "file": str(target),
            "records": report.record_counts,
            "leftOutCount": report.left_out_count,
        }

    told = _done(work)
    _show(told, as_json)
    return OK


def restore_log(path: Path, directory: Path | None, as_json: bool) -> int:
    """Restore the backup; the exit code.

    Raises:
        CliProblem: it was refused, or could not be restored to its end.
    """
    key, settings, clock = _key(), _settings(directory), SystemClock()

    async def work() -> dict[str, Any]:
        with _opened(path) as file:
            # Before a log is made.
            found = survey(file, key)
            refuse_unfit(found, settings.partition_count)
            await _refuse_read_models(settings)
            log = await open_log(settings, clock)
            try:
                report = await restore_surveyed(log, found, file, key)
            finally:
                await log.close()
        return {
            "madeAt": report.made_at.isoformat(),
            "partitionCount": report.partition_count,
            "records": report.record_counts,
        }

    told = _done(work)
    _show(told, as_json)
    if not as_json:
        write_line("The log is restored. Start the services on a fresh database: the read models follow from the log.")
    return OK


def verify_backup(path: Path, as_json: bool) -> int:
    """Read the whole backup, and say what is in it; the exit code.

    Raises:
        CliProblem: it cannot be trusted.
    """
    key = _key()

    async def work() -> dict[str, Any]:
        with _opened(path) as file:
            found = survey(file, key)
        return {
            "madeAt": found.manifest.made_at.isoformat(),
            "partitionCount": found.manifest.partition_count,
            "records": found.record_counts,
            "otherParts": found.other_parts,
        }

    _show(_done(work), as_json)
    return OK


def _done(work: Callable[[], Awaitable[_Result]]) -> _Result:
    """What the work comes to, its errors told as problems."""
    try:
        return asyncio.run(_awaited(work))
    except (BackupRefused, RestoreRefused) as error:
        code = "BACKUP_REFUSED" if isinstance(error, BackupRefused) else "RESTORE_REFUSED"
        raise CliProblem(code, f"{error}.", error.advice) from error
    except ArchiveError as error:
        advice = "Nothing of it may be used. Is it the right file, and the key that it was made with?"
        raise CliProblem("BACKUP_NOT_AUTHENTIC", f"{error}.", advice) from error
    except LogError as error:
        raise CliProblem("LOG_UNUSABLE", f"{error}.", "`horolog doctor` shows more.", UNREACHABLE) from error
    except (*UNAVAILABLE, asyncpg.PostgresError, TimeoutError) as error:
        message = f"The database or a file cannot be used: {str(error) or type(error).__name__}."
        raise CliProblem("UNUSABLE", message, "`horolog doctor` shows more.", UNREACHABLE) from error


async def _awaited(work: Callable[[], Awaitable[_Result]]) -> _Result:
    return await work()


def _key() -> BackupKey:
    try:
        return backup_key(os.environ)
    except BackupKeyError as error:
        raise CliProblem("NO_BACKUP_KEY", f"{error}.", "Keep the key apart from the backups.") from error


def _settings(directory: Path | None) -> Settings:
    try:
        settings = settings_in(from_environment(os.environ), directory)
    except SettingsError as error:
        raise wrong_use(str(error)) from error
    return settings if directory is None else replace(settings, database_url=None)


async def _refuse_read_models(settings: Settings) -> None:
    """Refuse read models that have taken in another log: their positions would name other records now."""
    advice = "Restore beside a fresh database (for --dir: into a fresh directory); the read models follow from the log."
    if settings.database_url is not None and await holds_positions(settings.database_url):
        raise RestoreRefused("The database of DATABASE_URL has read models of another log", advice)
    place = settings.home / "postgres"
    if settings.database_url is None and settings.kafka_bootstrap is None and place.is_dir():
        raise RestoreRefused(f"{place} has read models of another log", advice)


@contextmanager
def _appearing(target: Path) -> Iterator[BinaryIO]:
    """A file that is written aside, and gets its name when all of it is on the disk."""
    if target.exists():
        raise _taken(target)
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # Unlike a renaming, this never takes another file's place.
        os.link(aside, target)
        _sync_folder(target.parent)
    except FileExistsError as error:
        raise _taken(target) from error
    finally:
        aside.unlink()


def _taken(target: Path) -> BackupRefused:
    return BackupRefused(f"{target} exists already", "Name another file; a backup is never written over.")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise wrong_use(f"{path} cannot be read: {error.strerror}.") from error
    with file:
        yield file


def _show(told: dict[str, Any], as_json: bool) -> None:
    if as_json:
        write_json(told)
        return
    records = told.pop("records")
    write_pairs({**told, "records": sum(records.values())})
    write_pairs({topic: count for topic, count in records.items() if count})
