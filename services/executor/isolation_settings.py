"""How programs and functions of jobs are to be kept apart, as the environment says it.

- `HOROLOG_ISOLATION`         `auto` (the best level that this machine gives), or the level that it has to be
- `HOROLOG_CONTROL_GROUPS`    `auto` (where this machine gives them), `off`, or `required`
- `HOROLOG_JOB_MEMORY_MB`     how much memory of its own one process may have; an attempt as a whole, its files besides
- `HOROLOG_JOB_PROCESSES`     how many processes and threads one attempt may have
- `HOROLOG_JOB_CPUS`          how many cores an attempt may use, like 0.5; empty for all
- `HOROLOG_JOB_TMP_MB`        how much an attempt with namespaces may write to its own files
- `HOROLOG_JOB_PATHS`         further places of the machine that it sees there, `:rw` after those that it may write to
- `HOROLOG_JOB_UID_RANGE`     accounts for attempts, where the executor is root; empty for none
- `HOROLOG_CONTAINER_ENGINE`  the path of Docker's or Podman's executable; with it attempts run in containers
- `HOROLOG_CONTAINER_IMAGES`  the images that jobs may use; the first, with this product in it, where none is named
- `HOROLOG_CONTAINER_NETWORK` the engine's network that commands may use; empty for none
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from horolog.runtime.settings_error import SettingsError
from schemas.isolation import Isolation

ACCOUNTS_DEFAULT = "200000-219999"
"""Enough for one executor that runs as many programs as it ever may, or for many of the usual size."""
_ACCOUNT_MIN, _ACCOUNT_MAX = 1000, 2**31 - 2
_AUTO = "auto"
_CPUS_MIN, _CPUS_MAX = 0.01, 1024.0
_IMAGE = re.compile(r"[a-z0-9][A-Za-z0-9._:/@-]{0,299}")
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class GroupUse(StrEnum):
    """Whether attempts get control groups: where they can, never, or not otherwise."""

    AUTO = "auto"
    OFF = "off"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class ContainerSettings:
    """`engine` is the path of an executable; `network` that of the engine which programs may have, if any."""

    engine: str
    images: tuple[str, ...]
    network: str | None = None


@dataclass(frozen=True, slots=True)
class IsolationSettings:
    """`demanded` is the level that it has to be; None for the best there is. `accounts` are user and group ids.

    Of `paths`, those with True may be written to, too, as far as the account of an attempt may.
    """

    demanded: Isolation | None = None
    memory_mb: int = 512
    process_count_max: int = 256
    tmp_mb: int = 256
    paths: tuple[tuple[str, bool], ...] = ()
    accounts: range = range(0)
    group_use: GroupUse = GroupUse.AUTO
    cpus: float | None = None
    containers: ContainerSettings | None = None

    @property
    def memory_in_all_mb(self) -> int:
        """What all processes of an attempt may take together; what they write to their own files is memory, too."""
        return self.memory_mb + self.tmp_mb

    def require_accounts(self, count: int) -> None:
        """That there is one for each of so many programs at a time, where there are any.

        Raises:
            SettingsError: there are fewer.
        """
        if 0 < len(self.accounts) < count:
            raise SettingsError(f"HOROLOG_JOB_UID_RANGE must have {count} accounts: so many programs may run at a time")


def isolation_from(environment: Mapping[str, str], *, is_root: bool) -> IsolationSettings:
    """The settings.

    Raises:
        SettingsError: a value cannot be used.
    """
    settings = IsolationSettings(
        demanded=_level(environment.get("HOROLOG_ISOLATION") or _AUTO),
        memory_mb=_number(environment, "HOROLOG_JOB_MEMORY_MB", 512, (64, 1 << 20)),
        process_count_max=_number(environment, "HOROLOG_JOB_PROCESSES", 256, (4, 100_000)),
        tmp_mb=_number(environment, "HOROLOG_JOB_TMP_MB", 256, (1, 1 << 20)),
        paths=tuple(
            _path(text) for part in environment.get("HOROLOG_JOB_PATHS", "").split(",") if (text := part.strip())
        ),
        accounts=_accounts(environment.get("HOROLOG_JOB_UID_RANGE", ACCOUNTS_DEFAULT)) if is_root else range(0),
        group_use=_group_use(environment.get("HOROLOG_CONTROL_GROUPS") or _AUTO),
        cpus=_cpus(environment.get("HOROLOG_JOB_CPUS", "")),
        containers=_containers(environment),
    )
    if settings.demanded is Isolation.CONTAINER and settings.containers is None:
        raise SettingsError("HOROLOG_ISOLATION is container: name the engine's path in HOROLOG_CONTAINER_ENGINE")
    return settings


def _level(text: str) -> Isolation | None:
    if text == _AUTO:
        return None
    if text not in list(Isolation):
        raise SettingsError("HOROLOG_ISOLATION must be auto, process, namespaces or container")
    return Isolation(text)


def _containers(environment: Mapping[str, str]) -> ContainerSettings | None:
    engine = environment.get("HOROLOG_CONTAINER_ENGINE", "")
    if not engine:
        return None
    if not os.path.isabs(engine):
        raise SettingsError("HOROLOG_CONTAINER_ENGINE must be an absolute path, like /usr/bin/podman")
    parts = environment.get("HOROLOG_CONTAINER_IMAGES", "").split(",")
    images = tuple(text for part in parts if (text := part.strip()))
    if not images or not all(_IMAGE.fullmatch(image) for image in images):
        raise SettingsError("HOROLOG_CONTAINER_IMAGES must be one name or several with commas between")
    network = environment.get("HOROLOG_CONTAINER_NETWORK", "")
    if network == "host" or (network and _NETWORK.fullmatch(network) is None):
        raise SettingsError("HOROLOG_CONTAINER_NETWORK must be the name of a network other than host, or empty")
    return ContainerSettings(engine, images, network or None)


def _group_use(text: str) -> GroupUse:
    if text not in list(GroupUse):
        raise SettingsError("HOROLOG_CONTROL_GROUPS must be auto, off or required")
    return GroupUse(text)


def _cpus(text: str) -> float | None:
    if not text:
        return None
    if re.fullmatch(r"\d{1,4}(\.\d{1,3})?", text) is None or not _CPUS_MIN <= float(text) <= _CPUS_MAX:
        raise SettingsError("HOROLOG_JOB_CPUS must be a number of cores from 0.01 to 1024, like 0.5, or empty")
    return float(text)


def _path(text: str) -> tuple[str, bool]:
    path, _, mode = text.partition(":")
    if not os.path.isabs(path) or os.path.normpath(path) == "/" or mode not in ("", "rw"):
        raise SettingsError("HOROLOG_JOB_PATHS must be absolute paths below /, like /srv/in,/srv/out:rw")
    return os.path.normpath(path), mode == "rw"


def _accounts(text: str) -> range:
    if not text:
        return range(0)
    found = re.fullmatch(r"(\d{1,10})-(\d{1,10})", text)
    if found is None or not _ACCOUNT_MIN <= int(found[1]) <= int(found[2]) <= _ACCOUNT_MAX:
        raise SettingsError(
            f"HOROLOG_JOB_UID_RANGE must be a range of user ids from {_ACCOUNT_MIN} on, like 200000-200999"
        )
    return range(int(found[1]), int(found[2]) + 1)


def _number(environment: Mapping[str, str], name: str, default: int, bounds: tuple[int, int]) -> int:
    text = environment.get(name, str(default))
    if not text.isdecimal() or not bounds[0] <= int(text) <= bounds[1]:
        raise SettingsError(f"{name} must be a whole number from {bounds[0]} to {bounds[1]}")
    return int(text)
