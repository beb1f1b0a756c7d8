"""What a tenant's jobs may run, and whether they may run at all.

Guarantee: closed by default. A program runs only if it is named exactly as the tenant's settings name it, a function
only if its module, or one above it, is named there; no pattern is known beyond that. What would make an allowed name
stand for another program (a search path, or a library loaded before it) is refused, too.
"""

from collections.abc import Iterable

from horolog.domain.cron import CronError, ZoneError, fires_between_s, parse, zone
from horolog.limits import GAP_LOOK_DAYS, GAP_LOOK_FIRE_COUNT_MAX
from schemas.events.executions import Reason
from schemas.jobs import CommandConfig, FunctionConfig, Job, JobConfig, JobDefinition
from schemas.tenants import Tenant, TenantSettings, TenantState

COMMAND_NOT_ALLOWED = "COMMAND_NOT_ALLOWED"
FUNCTION_NOT_ALLOWED = "FUNCTION_NOT_ALLOWED"
_DAY_S = 86_400


def config_refusal(config: JobConfig, settings: TenantSettings) -> tuple[str, str] | None:
    """The code and the sentence that refuse what a job is to run; None when it may."""
    if isinstance(config, CommandConfig):
        words = _command_refusal(config, settings)
        return None if words is None else (COMMAND_NOT_ALLOWED, words)
    if isinstance(config, FunctionConfig) and not _is_below(config.module_path, settings.allowed_modules):
        return FUNCTION_NOT_ALLOWED, f"this tenant's jobs may not call functions of {config.module_path}"
    return None


def why_not(job: Job, state: TenantState, settings: TenantSettings) -> Reason | None:
    """Why nothing of the job may start at present, for reasons that lie with its tenant."""
    if state is TenantState.SUSPENDED:
        return Reason.TENANT_SUSPENDED
    if job.created_by in settings.barred_actors:
        return Reason.OWNER_BARRED
    return None if config_refusal(job.definition.config, settings) is None else Reason.NOT_ALLOWED


def settings_in_force(tenant: Tenant | None, defaults: TenantSettings) -> TenantSettings:
    """What holds for a tenant at present; `barred_actors` are all whose jobs do not run, disabled users included."""
    if tenant is None:
        return defaults
    settings = own_or_default(tenant.settings, tenant.own_settings, defaults)
    disabled = [one.actor for one in tenant.disabled_owners]
    return _with_barred(settings, disabled) if disabled else settings


def own_or_default(settings: TenantSettings, is_own: bool, defaults: TenantSettings) -> TenantSettings:
    """A tenant's own settings; or those of a tenant that nobody created, and whom else was barred of it."""
    return settings if is_own else _with_barred(defaults, settings.barred_actors)


def shortest_gap(definition: JobDefinition, after_s: int, enough_s: int) -> int | None:
    """The shortest time between two instants in a row that the schedule names after `after_s`, in seconds.

    None when it names fewer than two. As soon as one shorter than `enough_s` is found it is returned. It is looked for
    among the next `GAP_LOOK_FIRE_COUNT_MAX` instants of the next `GAP_LOOK_DAYS` days: with a year of changing clocks,
    and, since every day of a schedule names the same times, exact for all but schedules that are denser than that.
    """
    try:
        spec, place = parse(definition.cron_expression), zone(definition.timezone)
    except (CronError, ZoneError):
        return None
    until_s = after_s + GAP_LOOK_DAYS * _DAY_S
    if definition.end_date is not None:
        until_s = min(until_s, int(definition.end_date.timestamp()))
    found: int | None = None
    last_s: int | None = None
    looked = 0
    step = 64
    while looked < GAP_LOOK_FIRE_COUNT_MAX:
        instants = fires_between_s(spec, place, after_s if last_s is None else last_s, until_s, step)
        for instant in instants:
            if last_s is not None:
                found = instant - last_s if found is None else min(found, instant - last_s)
            last_s = instant
        looked += len(instants)
        if len(instants) < step or (found is not None and found < enough_s):
            return found
        step *= 4
    return found


def _command_refusal(config: CommandConfig, settings: TenantSettings) -> str | None:
    if config.command not in settings.allowed_executables:
        return f"this tenant's jobs may not run the command {config.command!r}"
    for name in config.environment or ():
        if name.startswith("LD_") or (name == "PATH" and "/" not in config.command):
            return f"the variable {name} could make {config.command!r} another program; leave it out"
    return None


def _with_barred(settings: TenantSettings, more: Iterable[str]) -> TenantSettings:
    barred = tuple(dict.fromkeys((*settings.barred_actors, *more)))
    return settings.model_copy(update={"barred_actors": barred})


def _is_below(module_path: str, allowed: tuple[str, ...]) -> bool:
    return any(module_path == prefix or module_path.startswith(f"{prefix}.") for prefix in allowed)
