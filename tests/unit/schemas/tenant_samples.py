"""Messages about tenants, and those that tell of a tenant's settings since there are any.

Records without these fields are older, and stay readable beside them.
"""

from schemas import commands
from schemas.base import Message
from schemas.events import tenants, workers
from schemas.events.executions import TriggerType
from schemas.events.owners import CommandAccepted
from schemas.jobs import HttpConfig, JobType
from schemas.tenants import CLOSED, DisabledOwner, Quotas, Tenant, TenantSettings, TenantState
from tests.unit.schemas.samples import AT, COMMAND, EXECUTION, FIRE, JOB, TENANT, WORKER

SETTINGS = TenantSettings(
    name="Bäckerei 世界",
    quotas=Quotas(
        max_jobs=100,
        max_running=10,
        max_queued=1000,
        fires_per_minute=600,
        min_interval_seconds=60,
        output_bytes_max=4096,
        requests_per_second=12.5,
    ),
    weight=3,
    allowed_executables=("df", "/usr/bin/true"),
    allowed_modules=("examples.functions",),
    http_allowed=("10.1.0.0/16", "fd00::/8"),
    barred_actors=("user:7",),
)
BEFORE = Tenant(tenant_id=TENANT, settings=SETTINGS, created_by="user:1", created_at=AT, updated_at=AT)
AFTER = BEFORE.model_copy(update={"state": TenantState.SUSPENDED, "version": 2})


def tenant_commands() -> tuple[Message, ...]:
    """One command of each type about a tenant."""
    asked = {
        "tenant_id": TENANT,
        "command_id": COMMAND,
        "actor": "user:1",
        "issued_at": AT,
        "request_hash": "ab" * 32,
        "reason": "unpaid",
        "expected_version": 1,
    }
    return (
        commands.CreateTenant.model_validate({**asked, "settings": SETTINGS}),
        commands.UpdateTenant.model_validate({**asked, "settings": SETTINGS}),
        commands.SuspendTenant.model_validate(asked),
        commands.ResumeTenant.model_validate(asked),
        commands.BarActor.model_validate({**asked, "barred_actor": "user:7"}),
        commands.UnbarActor.model_validate({**asked, "barred_actor": "user:7"}),
    )


def tenant_changes() -> tuple[Message, ...]:
    """One change of each type, and the tenant's row."""
    told = {"tenant_id": TENANT, "actor": "user:1", "at": AT, "command_id": COMMAND, "reason": "unpaid"}
    both = {**told, "tenant": AFTER, "before": BEFORE}
    return (
        tenants.TenantTabled(tenant_id=TENANT, tenant=AFTER),
        tenants.TenantCreated.model_validate({**told, "tenant": BEFORE}),
        tenants.TenantUpdated.model_validate(both),
        tenants.TenantSuspended.model_validate(both),
        tenants.TenantResumed.model_validate(both),
        tenants.ActorBarred.model_validate(both),
        tenants.ActorUnbarred.model_validate(both),
    )


def disabled_samples() -> tuple[Message, ...]:
    """Messages about a disabled user of a tenant that nobody created."""
    owners = (DisabledOwner(actor="user:ada", since=AT),)
    told = {"tenant_id": TENANT, "command_id": COMMAND, "actor": "user:1"}
    barring = {**told, "issued_at": AT, "barred_actor": "user:ada", "disabled": True}
    before = BEFORE.model_copy(update={"settings": CLOSED, "own_settings": False})
    after = before.model_copy(update={"disabled_owners": owners, "version": 2})
    return (
        commands.BarActor.model_validate(barring),
        commands.UnbarActor.model_validate(barring),
        tenants.TenantTabled(tenant_id=TENANT, tenant=after),
        tenants.ActorBarred.model_validate({**told, "at": AT, "tenant": after, "before": before}),
        tenants.ActorUnbarred.model_validate({**told, "at": AT, "tenant": before, "before": after}),
    )


def within_samples() -> tuple[Message, ...]:
    """Commands of a caller within tags."""
    asked = {
        "tenant_id": TENANT,
        "command_id": COMMAND,
        "actor": "user:ada",
        "issued_at": AT,
        "within_tags": ["billing"],
    }
    return (
        commands.TriggerJob.model_validate({**asked, "job_id": JOB}),
        commands.DeleteJob.model_validate({**asked, "job_id": JOB}),
        commands.CancelExecution.model_validate({**asked, "execution_id": EXECUTION}),
    )


def grown_samples() -> tuple[Message, ...]:
    """The messages, at most one of each type."""
    return (
        CommandAccepted(tenant_id=TENANT, command_id=COMMAND, at=AT, effective_at=AT, tenant_version=2),
        workers.TaskAssigned(
            tenant_id=TENANT,
            execution_id=EXECUTION,
            job_id=JOB,
            attempt=1,
            worker_id=WORKER,
            scheduled_for=FIRE,
            not_before=FIRE,
            trigger_type=TriggerType.SCHEDULED,
            timeout_ms=5000,
            job_name="hook",
            job_type=JobType.HTTP,
            config=HttpConfig(url="http://10.1.2.3/hook", method="GET"),
            http_allowed=("10.1.0.0/16",),
            output_bytes_max=4096,
        ),
    )
