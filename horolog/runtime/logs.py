"""Structured logs: one JSON object a line, with allow-listed fields only, on stderr or in a file that is rotated.

Guarantee: a field that is not in the list is left out, whoever added it. A file belongs to one process: a second one
that is to write to it does not start. It takes no more room than the settings say, and only its owner reads it.
"""

import fcntl
import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import MappingProxyType

from horolog.runtime.log_settings import LogSettings
from horolog.runtime.settings_error import SettingsError

FIELDS = (
    "tenant_id",
    "job_id",
    "execution_id",
    "attempt",
    "trace_id",
    "worker_id",
    "partition",
    "role",
    "topic",
    "offset",
    "request_id",
    "method",
    "route",
    "status",
    "duration_ms",
)
OURS = ("horolog", "services", "projections")
_PRIVATE = 0o600

_told: ContextVar[Mapping[str, object]] = ContextVar("log_fields", default=MappingProxyType({}))


@contextmanager
def log_fields(**fields: object) -> Iterator[dict[str, object]]:
    """Have every line that is logged inside carry these fields, and those that are put into what this gives.

    A field that a line names itself outweighs them.
    """
    told = {**_told.get(), **fields}
    token = _told.set(told)
    try:
        yield told
    finally:
        _told.reset(token)


class JsonLine(logging.Formatter):
    """A record as one JSON object; fields that are not in the list are left out, whoever added them."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        told = _told.get()
        known = [name for name in FIELDS if hasattr(record, name) or name in told]
        line.update({name: getattr(record, name, told.get(name)) for name in known})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class OwnFile(RotatingFileHandler):
    """Writes to a file that is this process's own, and starts anew before it is too large.

    Raises:
        OSError: the file cannot be written to.
        BlockingIOError: another process writes to it.
    """

    def __init__(self, path: Path, bytes_max: int, count: int) -> None:
        # Beside the file, which has another name after it was rotated. The system gives it up with the process.
        self._lock_fd = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _PRIVATE)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            super().__init__(path, maxBytes=bytes_max, backupCount=count, encoding="utf-8")
        except OSError:
            os.close(self._lock_fd)
            raise

    def close(self) -> None:
        """Let another process have the file; idempotent."""
        super().close()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, opener=_private)


def configure_logs(settings: LogSettings, role: str) -> None:
    """Log as the settings say; of libraries only their warnings, unless their modules are named.

    Raises:
        SettingsError: the file cannot be written to, or another process does.
    """
    path = settings.file_of(role)
    handler = logging.StreamHandler(sys.stderr) if path is None else _file(path, settings)
    handler.setFormatter(JsonLine())
    root = logging.getLogger()
    for former in root.handlers:
        if isinstance(former, OwnFile):
            former.close()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name, level in {**dict.fromkeys(OURS, settings.level), **settings.levels}.items():
        logging.getLogger(name).setLevel(level.upper())


def _file(path: Path, settings: LogSettings) -> logging.Handler:
    try:
        return OwnFile(path, settings.file_bytes_max, settings.file_count)
    except BlockingIOError:
        told = f"HOROLOG_LOG_FILE: another process writes to {path.name}; name a file for each process"
        raise SettingsError(told) from None
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise SettingsError(f"HOROLOG_LOG_FILE: {path.name} cannot be written to: {why}") from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _PRIVATE)
