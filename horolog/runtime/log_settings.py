"""What is logged, and where to: read once from the environment, and checked before anything is logged.

`HOROLOG_LOG_LEVEL=info,horolog.log=debug,services.ticker=warning` is a level for everything of ours, and others for
modules and what is below them; `LOG_LEVEL` is the same by its older name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from horolog.runtime.settings_error import SettingsError

LEVELS = ("debug", "info", "warning", "error", "critical")
FILE_MB_DEFAULT, FILE_MB_MAX = 10, 10_000
FILE_COUNT_DEFAULT, FILE_COUNT_MAX = 5, 1000
MODULE_COUNT_MAX = 100
_MODULE = re.compile(r"[A-Za-z_]\w*(\.\w+)*")


@dataclass(frozen=True, slots=True)
class LogSettings:
    """`level` is that of everything of ours, `levels` those of modules. Without a `file` lines go to stderr.

    A file of `file_bytes_max` makes room for the next one; `file_count` of the older ones are kept.
    """

    level: str = "info"
    levels: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    file_bytes_max: int = FILE_MB_DEFAULT << 20
    file_count: int = FILE_COUNT_DEFAULT

    def file_of(self, role: str) -> Path | None:
        """The file of a process: that of the settings, with what the process is before the ending of its name."""
        return None if self.file is None else self.file.with_name(f"{self.file.stem}-{role}{self.file.suffix}")


USUAL = LogSettings()


def log_settings(environment: Mapping[str, str], usual: str = "info") -> LogSettings:
    """The settings: `HOROLOG_LOG_LEVEL` or `LOG_LEVEL`, `HOROLOG_LOG_FILE`, `HOROLOG_LOG_FILE_MB` and
    `HOROLOG_LOG_FILE_COUNT`.

    Raises:
        SettingsError: a value cannot be used.
    """
    name = "HOROLOG_LOG_LEVEL" if environment.get("HOROLOG_LOG_LEVEL") else "LOG_LEVEL"
    level, levels = _levels(name, environment.get(name) or usual, usual)
    path = environment.get("HOROLOG_LOG_FILE") or None
    if path is not None and not Path(path).name:
        raise SettingsError("HOROLOG_LOG_FILE must be the path of a file; without it lines go to stderr")
    return LogSettings(
        level=level,
        levels=levels,
        file=None if path is None else Path(path).resolve(),
        file_bytes_max=_number(environment, "HOROLOG_LOG_FILE_MB", FILE_MB_DEFAULT, FILE_MB_MAX) << 20,
        file_count=_number(environment, "HOROLOG_LOG_FILE_COUNT", FILE_COUNT_DEFAULT, FILE_COUNT_MAX),
    )


def _levels(name: str, text: str, usual: str) -> tuple[str, Mapping[str, str]]:
    entries = [part.strip().rpartition("=") for part in text.split(",") if part.strip()]
    levels = {module.strip(): level.strip().lower() for module, _, level in entries}
    if len(levels) < len(entries):
        raise SettingsError(f"{name} names a module twice, or two levels for everything")
    if len(levels) > MODULE_COUNT_MAX:
        raise SettingsError(f"{name} names more than {MODULE_COUNT_MAX} modules")
    if not set(levels.values()) <= set(LEVELS) or not all(
        module == "" or _MODULE.fullmatch(module) for module in levels
    ):
        known = ", ".join(LEVELS)
        raise SettingsError(f"{name} must be a level ({known}), or a list such as info,horolog.log=debug")
    return levels.pop("", usual), levels


def _number(environment: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise SettingsError(f"{name} must be a whole number from 1 to {most}")
    return int(text)
