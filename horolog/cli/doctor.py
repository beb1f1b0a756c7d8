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
from pathlib import Path

from horolog.cli.connection import data_directory
from horolog.cli.doctor_findings import Finding, State, clock_skew
from horolog.cli.probes import probe_api, probe_database, probe_redis
from horolog.domain.cron import tzdata_version
from horolog.log_opening import kafka_settings
from horolog.ports import Clock
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError
from services.executor.composition import keep_apart
from services.executor.isolation_settings import isolation_from

PYTHON_OLDEST = (3, 11)
OPEN_FILES_WANTED = 4096
PROBE_TIMEOUT_S, LOG_TIMEOUT_S = 5.0, 20.0


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
    try:
        settings = from_environment(environment)
    except SettingsError as error:
        return [*findings, Finding("settings", "fail", str(error), "No service starts like that.")]
    if settings.kafka_bootstrap is not None:
        findings += await _log(settings)
    database, redis = settings.database_url, settings.redis_url
    if database is not None:
        advice = "Check DATABASE_URL; `horolog migrate` then makes the tables."
        answers = await _timed("database", lambda: probe_database(database, clock), advice, "fail")
        findings += [*answers, *(await _tables(database, clock) if answers[0].state == "ok" else ())]
    if redis is not None:
        advice = "Check REDIS_URL; without Redis everything works, but slower."
        findings += await _timed("redis", lambda: probe_redis(redis, clock), advice, "warn")
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


async def _timed(
    check: str, probe: Callable[[], Awaitable[tuple[str, float]]], advice: str, state: State
) -> list[Finding]:
    """What a server says that tells its time, and how far this machine's clock is from that."""
    skews: list[float] = []

    async def ask() -> str:
        text, skew_s = await probe()
        skews.append(skew_s)
        return text

    found = await _probed(check, ask, advice, state)
    return [found, *(clock_skew(skew_s, check) for skew_s in skews)]


async def _tables(dsn: str, clock: Clock) -> list[Finding]:
    # Loaded here: what reads the tables takes long to load.
    from horolog.cli.doctor_database import examine_database  # noqa: PLC0415

    found: list[Finding] = []

    async def ask() -> str:
        found.extend(await examine_database(dsn, clock.now()))
        return "they can be looked at"

    looked = await _probed("tables", ask, "Check the login of DATABASE_URL, and what holds locks.")
    return found if looked.state == "ok" else [looked]


async def _log(settings: Settings) -> list[Finding]:
    # Loaded here: what talks to Kafka takes long to load.
    from horolog.cli.doctor_log import examine_log  # noqa: PLC0415

    found: list[Finding] = []

    async def ask() -> str:
        found.extend(await examine_log(kafka_settings(settings)))
        return f"{settings.kafka_bootstrap} answers"

    advice = "Check KAFKA_BOOTSTRAP_SERVERS, the other settings of Kafka, and the broker's advertised listeners."
    return [await _probed("log", ask, advice, timeout_s=LOG_TIMEOUT_S), *found]


async def _probed(
    check: str,
    probe: Callable[[], Awaitable[str]],
    advice: str,
    if_broken: State = "fail",
    timeout_s: float = PROBE_TIMEOUT_S,
) -> Finding:
    try:
        async with asyncio.timeout(timeout_s):
            return Finding(check, "ok", await probe())
    except TimeoutError:
        return Finding(check, if_broken, f"no answer within {timeout_s:.0f} s", advice)
    except Exception as error:  # noqa: BLE001 - whatever a client library raises is what this check is to report
        return Finding(check, if_broken, f"{type(error).__name__}: {error}"[:300], advice)


def _open_file_limit() -> int | None:
    if os.name != "posix":
        return None
    import resource  # noqa: PLC0415 - exists on POSIX only

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft
