"""What `horolog doctor` looks at: this machine, and the services that the environment names.

Every check gives one finding, and a broken service is a finding too, never an exception. Nothing is changed, but
for a file that is written to the data directory and removed again, and what executors that are no more have left.
"""

import asyncio
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from horolog.cli.connection import data_directory
from horolog.cli.probes import probe_api, probe_database, probe_log, probe_redis
from horolog.domain.cron import tzdata_version
from horolog.ports import Clock
from horolog.runtime.secret_files import secret
from horolog.runtime.settings import from_environment
from horolog.runtime.settings_error import SettingsError
from services.executor.composition import keep_apart
from services.executor.isolation_settings import isolation_from

PYTHON_OLDEST = (3, 11)
OPEN_FILES_WANTED = 4096
SKEW_WARN_S, SKEW_FAIL_S = 1.0, 10.0
PROBE_TIMEOUT_S = 5.0

State = Literal["ok", "warn", "fail"]
_ORDER: tuple[State, ...] = ("ok", "warn", "fail")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it when it is not in order."""

    check: str
    state: State
    found: str
    advice: str | None = None


def worst(findings: list[Finding]) -> State:
    """The worst state among the findings."""
    return max((finding.state for finding in findings), key=_ORDER.index, default="ok")


async def examine(url: str, environment: Mapping[str, str], clock: Clock) -> list[Finding]:
    """Every finding; services that the environment does not name are left out, but for the API."""
    findings = [
        python_version(sys.version_info[:3]),
        time_zone_data(environment),
        program("java", "a real Kafka on this machine (`make up`)"),
        program("mvn", "a real Kafka on this machine (`make up`)"),
        open_files(_open_file_limit()),
        data_access(data_directory(environment)),
        await isolation(environment),
        await _probed("api", lambda: probe_api(url), "Start it with `horolog dev`, or set HOROLOG_URL.", "warn"),
    ]
    if environment.get("KAFKA_BOOTSTRAP_SERVERS"):
        advice = "Check KAFKA_BOOTSTRAP_SERVERS, the other settings of Kafka, and the broker's advertised listeners."
        findings.append(await _probed("log", lambda: probe_log(from_environment(environment)), advice))
    try:
        database, redis = (secret(environment, name) for name in ("DATABASE_URL", "REDIS_URL"))
    except SettingsError as error:
        return [*findings, Finding("settings", "fail", str(error), "No service starts like that.")]
    if database:
        findings += await _database(database, clock)
    if redis:
        advice = "Check REDIS_URL; without Redis everything works, but slower."
        findings.append(await _probed("redis", lambda: probe_redis(redis), advice, "warn"))
    return findings


def python_version(version: tuple[int, ...]) -> Finding:
    """Whether the interpreter is new enough."""
    text = f"{platform.python_implementation()} {'.'.join(map(str, version))}"
    if tuple(version[:2]) < PYTHON_OLDEST:
        return Finding("python", "fail", text, f"Use Python {'.'.join(map(str, PYTHON_OLDEST))} or newer.")
    return Finding("python", "ok", text)


def time_zone_data(environment: Mapping[str, str]) -> Finding:
    """Which release of the time zone data decides; it must be the same on every node."""
    text = f"tzdata {tzdata_version()}, from the package"
    system = environment.get("PYTHONTZPATH")
    if system:
        advice = "Nothing to do for schedules: they use the package whatever PYTHONTZPATH says."
        return Finding("time zones", "ok", text, advice)
    return Finding("time zones", "ok", text)


def program(name: str, needed_for: str) -> Finding:
    """Whether an optional program is installed."""
    place = shutil.which(name)
    if place is None:
        return Finding(name, "warn", "not found", f"Only needed for {needed_for}.")
    return Finding(name, "ok", place)


def open_files(limit: int | None) -> Finding:
    """Whether enough files and sockets may be open at a time."""
    if limit is None:
        return Finding("open files", "ok", "unlimited")
    if limit < OPEN_FILES_WANTED:
        advice = f"Raise it: ulimit -n {OPEN_FILES_WANTED}, or LimitNOFILE of the service."
        return Finding("open files", "warn", f"at most {limit}", advice)
    return Finding("open files", "ok", f"at most {limit}")


def data_access(directory: Path) -> Finding:
    """Whether the data directory, or the folder that it would be made in, can be written to."""
    place = directory.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".horolog-doctor-"):
            free_gb = shutil.disk_usage(place).free / 1e9
    except OSError as error:
        advice = "Give write access, or name another place with HOROLOG_HOME."
        return Finding("data directory", "fail", f"{directory}: {error.strerror}", advice)
    if free_gb < 1:
        return Finding("data directory", "warn", f"{directory}, {free_gb:.1f} GB free", "Make room.")
    return Finding("data directory", "ok", f"{directory}, {free_gb:.0f} GB free")


async def isolation(environment: Mapping[str, str]) -> Finding:
    """How well an executor on this machine would keep jobs apart, by the same trial runs that it would make."""
    advice = "See `docs/security.md`: what each level promises, and what it needs of the machine."
    try:
        settings = isolation_from(environment, is_root=os.geteuid() == 0)
        apartness = await keep_apart(settings, (os.getcwd(),), (str(data_directory(environment).absolute()),))
    except SettingsError as error:
        return Finding("isolation", "fail", str(error), advice)
    missed = [*apartness.shortcomings, *([apartness.unbounded] if apartness.unbounded else [])]
    if missed:
        return Finding("isolation", "warn", f"{apartness}; {'; '.join(missed)}", advice)
    return Finding("isolation", "ok", str(apartness))


def clock_skew(skew_s: float) -> Finding:
    """How far this machine's clock is from the database's; positive when it is ahead."""
    text = f"{skew_s:+.3f} s against the database"
    if abs(skew_s) < SKEW_WARN_S:
        return Finding("clock", "ok", text)
    state: State = "warn" if abs(skew_s) < SKEW_FAIL_S else "fail"
    return Finding("clock", state, text, "Let NTP (chrony, systemd-timesyncd) set the clock of both machines.")


async def _database(url: str, clock: Clock) -> list[Finding]:
    skews: list[float] = []

    async def probe() -> str:
        text, skew_s = await probe_database(url, clock)
        skews.append(skew_s)
        return text

    found = await _probed("database", probe, "Check DATABASE_URL; `horolog migrate` then makes the tables.")
    return [found, *(clock_skew(skew_s) for skew_s in skews)]


async def _probed(check: str, probe: Callable[[], Awaitable[str]], advice: str, if_broken: State = "fail") -> Finding:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            return Finding(check, "ok", await probe())
    except TimeoutError:
        return Finding(check, if_broken, f"no answer within {PROBE_TIMEOUT_S:.0f} s", advice)
    except Exception as error:  # noqa: BLE001 - whatever a client library raises is what this check is to report
        return Finding(check, if_broken, f"{type(error).__name__}: {error}"[:300], advice)


def _open_file_limit() -> int | None:
    if os.name != "posix":
        return None
    import resource  # noqa: PLC0415 - exists on POSIX only

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
