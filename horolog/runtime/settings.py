"""The settings that all processes share, read once from the environment."""

import json
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from horolog.domain.addresses import Network, networks
from horolog.domain.command_seals import CommandSeals
from horolog.domain.seals import Seals
from horolog.limits import METRICS_TENANT_COUNT_BOUND, METRICS_TENANT_COUNT_MAX
from horolog.runtime.command_keys import command_keys
from horolog.runtime.flags import flag
from horolog.runtime.kafka_access import IN_THE_CLEAR, KafkaAccess, kafka_access
from horolog.runtime.log_settings import USUAL, LogSettings, log_settings
from horolog.runtime.secret_files import private_text, secret
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.trace_settings import TraceSettings, trace_settings
from horolog.vault.master_keys import MasterKeys, MasterKeysError, parse
from schemas.tenants import CLOSED, TenantSettings
from schemas.topics import PARTITION_COUNT_DEFAULT

HOME_DEFAULT = ".horolog"
METRICS_HOST_DEFAULT = "127.0.0.1"
METRICS_PORT_DEFAULT = 9464
TASK_KEY_LENGTH_MIN = 32
DRAIN_S_DEFAULT, DRAIN_S_MAX = 3, 3600
UPGRADING = "HOROLOG_UPGRADING"
LEDGER_MONTHS_MAX = 1200
FUNCTION_PROCESSES_KEPT_EACH = 8
"""How many processes for functions are kept, unless told otherwise, for each that may be at work."""


@dataclass(frozen=True, slots=True)
class MetricsAddress:
    """Where the figures for Prometheus are served; port 0 takes a free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are. Without `kafka_bootstrap` the log is embedded, in `home`. Times in milliseconds.

    Without `metrics` no figures are served, without `traces` there are none. The figures name
    `metrics_tenant_count_max` tenants, and add up the others. HTTP jobs may call `http_allowed` besides public
    addresses. Of processes for functions `function_process_count` are at work at a time, and
    `kept_function_process_count` there. A stopping executor lets its attempts go on for `drain_s` seconds.
    `seals` are on what dispatchers hand to workers, `command_seals` on what they are asked for; with `commands_open`
    they believe whoever asks. Tenants that nobody created have the settings `tenant_defaults`.
    Tenants' keys are kept under the `master_keys`. A process that `is_upgrading` writes nothing to the log that the
    release before this one cannot read. Of the ledger's rows, `ledger_months_kept` whole months before the present one
    are kept; without it all are.
    """

    home: Path
    member: str
    database_url: str | None = None
    redis_url: str | None = None
    kafka_bootstrap: str | None = None
    kafka_access: KafkaAccess = IN_THE_CLEAR
    topic_prefix: str = "horolog."
    partition_count: int = PARTITION_COUNT_DEFAULT
    replication_factor: int = 1
    session_timeout_ms: int = 6000
    function_process_count: int = 5
    kept_function_process_count: int = 5 * FUNCTION_PROCESSES_KEPT_EACH
    concurrent_count_max: int = 100
    drain_s: int = DRAIN_S_DEFAULT
    http_allowed: tuple[Network, ...] = ()
    seals: Seals | None = None
    command_seals: CommandSeals | None = None
    commands_open: bool = False
    tenant_defaults: TenantSettings = CLOSED
    master_keys: MasterKeys | None = None
    logs: LogSettings = USUAL
    metrics: MetricsAddress | None = None
    metrics_tenant_count_max: int = METRICS_TENANT_COUNT_MAX
    is_upgrading: bool = False
    ledger_months_kept: int | None = None
    traces: TraceSettings | None = None


def from_environment(environment: Mapping[str, str], read_file: Callable[[str], str] = private_text) -> Settings:
    """The settings of this process.

    Raises:
        SettingsError: a value cannot be used.
    """
    function_process_count = _number(environment, "SCHEDULER_WORKER_COUNT", 5, (1, 256))
    return Settings(
        home=Path(environment.get("HOROLOG_HOME", HOME_DEFAULT)).resolve(),
        member=environment.get("HOROLOG_MEMBER") or f"{socket.gethostname()}-{os.getpid()}",
        database_url=secret(environment, "DATABASE_URL", read_file) or None,
        redis_url=secret(environment, "REDIS_URL", read_file) or None,
        kafka_bootstrap=environment.get("KAFKA_BOOTSTRAP_SERVERS") or None,
        kafka_access=kafka_access(environment, read_file),
        topic_prefix=environment.get("HOROLOG_TOPIC_PREFIX", "horolog."),
        partition_count=_number(environment, "HOROLOG_PARTITIONS", PARTITION_COUNT_DEFAULT, (1, 1024)),
        replication_factor=_number(environment, "HOROLOG_REPLICATION_FACTOR", 1, (1, 9)),
        session_timeout_ms=_number(environment, "SCHEDULER_LOCK_TTL_MS", 6000, (2000, 300_000)),
        function_process_count=function_process_count,
        kept_function_process_count=_number(
            environment,
            "HOROLOG_FUNCTION_PROCESSES_KEPT",
            function_process_count * FUNCTION_PROCESSES_KEPT_EACH,
            (function_process_count, 4096),
        ),
        concurrent_count_max=_number(environment, "SCHEDULER_MAX_CONCURRENT_JOBS", 100, (1, 10_000)),
        drain_s=_number(environment, "HOROLOG_DRAIN_S", DRAIN_S_DEFAULT, (0, DRAIN_S_MAX)),
        seals=_seals(secret(environment, "HOROLOG_TASK_KEYS", read_file)),
        command_seals=command_keys(secret(environment, "HOROLOG_COMMAND_KEYS", read_file)),
        commands_open=flag(environment, "HOROLOG_COMMANDS_OPEN", default=False),
        master_keys=_master_keys(environment, read_file),
        http_allowed=_networks(environment, "HOROLOG_HTTP_ALLOWED"),
        tenant_defaults=_tenant_settings(environment, "HOROLOG_TENANT_DEFAULTS"),
        logs=log_settings(environment),
        metrics=_metrics_address(environment),
        metrics_tenant_count_max=_number(
            environment, "HOROLOG_METRICS_TENANTS", METRICS_TENANT_COUNT_MAX, (0, METRICS_TENANT_COUNT_BOUND)
        ),
        is_upgrading=flag(environment, UPGRADING, default=False),
        ledger_months_kept=_months_kept(environment),
        traces=trace_settings(environment, read_file),
    )


def _months_kept(environment: Mapping[str, str]) -> int | None:
    if not environment.get("HOROLOG_LEDGER_MONTHS"):
        return None
    return _number(environment, "HOROLOG_LEDGER_MONTHS", 0, (1, LEDGER_MONTHS_MAX))


def _metrics_address(environment: Mapping[str, str]) -> MetricsAddress | None:
    port = _number(environment, "PROMETHEUS_PORT", METRICS_PORT_DEFAULT, (0, 65_535))
    enabled = flag(environment, "METRICS_ENABLED", default=True)
    host = environment.get("HOROLOG_METRICS_HOST") or METRICS_HOST_DEFAULT
    return MetricsAddress(host, port) if enabled else None


def _seals(text: str) -> Seals | None:
    keys = [key for part in text.split(",") if (key := part.strip())]
    if any(len(key) < TASK_KEY_LENGTH_MIN or len(set(key)) < TASK_KEY_LENGTH_MIN // 4 for key in keys):
        raise SettingsError(
            f"HOROLOG_TASK_KEYS: a key needs {TASK_KEY_LENGTH_MIN} characters or more, of many kinds; "
            "`openssl rand -base64 32` makes one"
        )
    return Seals([key.encode() for key in keys]) if keys else None


def _master_keys(environment: Mapping[str, str], read_file: Callable[[str], str]) -> MasterKeys | None:
    name = "HOROLOG_MASTER_KEYS"
    try:
        return parse(f"{name}_FILE" if environment.get(f"{name}_FILE") else name, secret(environment, name, read_file))
    except MasterKeysError as error:
        raise SettingsError(str(error)) from None


def _networks(environment: Mapping[str, str], name: str) -> tuple[Network, ...]:
    try:
        return networks(text.strip() for text in environment.get(name, "").split(",") if text.strip())
    except ValueError as error:
        raise SettingsError(f"{name} must be networks like 10.0.0.0/8, with commas between them: {error}") from None


def _tenant_settings(environment: Mapping[str, str], name: str) -> TenantSettings:
    text = environment.get(name, "").strip()
    if not text:
        return CLOSED
    try:
        return TenantSettings.read(json.loads(text))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        told = "; ".join(f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}" for problem in found[:5])
        raise SettingsError(f"{name} is not the settings of a tenant: {told}") from None
    except ValueError:
        raise SettingsError(f'{name} must be JSON, such as {{"allowedModules": ["reports"]}}') from None


def _number(environment: Mapping[str, str], name: str, default: int, bounds: tuple[int, int]) -> int:
    text = environment.get(name, str(default))
    if not text.isdecimal() or not bounds[0] <= int(text) <= bounds[1]:
        raise SettingsError(f"{name} must be a whole number from {bounds[0]} to {bounds[1]}")
    return int(text)
