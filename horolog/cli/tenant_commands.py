"""`horolog tenant`: create, look at, change, suspend, resume and erase tenants; and what one's own has used."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from horolog.cli.client import open_client
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_note, write_pairs, write_table
from horolog.cli.problems import OK, wrong_use

BASE = "/api/v1"
TenantId = Annotated[str, typer.Argument(metavar="TENANT", help="Its id, a UUID.")]
Reason = Annotated[str | None, typer.Option(help="Kept in the audit trail.")]

_COLUMNS = ("tenantId", "name", "state", "version", "weight", "updatedAt")


@dataclass(frozen=True, slots=True)
class SettingsFlags:
    """What is said of a tenant. A list that is given takes the place of the whole list."""

    file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings as JSON; - reads stdin. Other flags go over it.")
    ] = None
    name: Annotated[str | None, typer.Option(help="What it is called.")] = None
    weight: Annotated[int | None, typer.Option(min=1, help="Its share of the workers beside others.")] = None
    max_jobs: Annotated[int | None, typer.Option(min=0, help="So many jobs.")] = None
    max_running: Annotated[int | None, typer.Option(min=1, help="So many executions in workers' hands.")] = None
    max_queued: Annotated[int | None, typer.Option(min=0, help="So many executions that wait.")] = None
    fires_per_minute: Annotated[int | None, typer.Option(min=0, help="So many fires in a minute.")] = None
    min_interval_seconds: Annotated[int | None, typer.Option(min=1, help="Between two fires of a schedule.")] = None
    output_bytes_max: Annotated[int | None, typer.Option(min=0, help="Kept of each stream and answer.")] = None
    requests_per_second: Annotated[float | None, typer.Option(help="Of its callers of the API.")] = None
    allow_command: Annotated[list[str] | None, typer.Option(metavar="PROGRAM", help="May be run; repeatable.")] = None
    allow_module: Annotated[list[str] | None, typer.Option(metavar="MODULE", help="May be called; repeatable.")] = None
    allow_network: Annotated[list[str] | None, typer.Option(metavar="CIDR", help="May be called; repeatable.")] = None

    def body(self) -> dict[str, Any]:
        """The settings that were given, as the API names them.

        Raises:
            CliProblem: the file holds no JSON object.
        """
        quotas = {
            "maxJobs": self.max_jobs,
            "maxRunning": self.max_running,
            "maxQueued": self.max_queued,
            "firesPerMinute": self.fires_per_minute,
            "minIntervalSeconds": self.min_interval_seconds,
            "outputBytesMax": self.output_bytes_max,
            "requestsPerSecond": self.requests_per_second,
        }
        given = {
            "name": self.name,
            "weight": self.weight,
            "allowedExecutables": self.allow_command or None,
            "allowedModules": self.allow_module or None,
            "httpAllowed": self.allow_network or None,
        }
        found = {} if self.file is None else _read(self.file)
        found |= {name: value for name, value in given.items() if value is not None}
        told = {name: value for name, value in quotas.items() if value is not None}
        return {**found, "quotas": {**found.get("quotas", {}), **told}} if told else found


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    tenants = typer.Typer(help="Manage tenants: their quotas, and what they may run.", no_args_is_help=True)
    one = "3f0d7a52-6c1e-4a57-9b0e-0d7f4a3c9e11"
    for name, function, example in (
        ("create", create, f"{one} --name bakery --max-jobs 500 --allow-module bakery.tasks"),
        ("list", list_tenants, ""),
        ("show", show, one),
        ("update", update, f"{one} --max-running 20 --weight 2"),
        ("suspend", suspend, f"{one} --reason unpaid"),
        ("resume", resume, one),
        ("erase", erase, one),
        ("usage", usage, "--from 2026-01-01T00:00:00Z"),
    ):
        tenants.command(name, epilog=f"Example:  horolog tenant {name} {example}".rstrip())(grouped(function))
    app.add_typer(tenants, name="tenant", epilog="Example:  horolog tenant show")


def create(tenant: TenantId, settings: SettingsFlags, api: ApiOptions) -> int:
    """Give a tenant settings of its own."""
    with open_client(api) as client:
        answer = client.change("POST", f"{BASE}/tenants", {"tenantId": tenant, **settings.body()}).body
    return _show(answer, api.as_json)


def list_tenants(
    api: ApiOptions, limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 50
) -> int:
    """List the tenants that somebody created, newest first."""
    with open_client(api) as client:
        items = list(client.pages(f"{BASE}/tenants", {}, limit))
    if api.as_json:
        write_json({"items": items})
    else:
        write_table(_COLUMNS, ([item.get(column) for column in _COLUMNS] for item in items))
    return OK


def show(
    api: ApiOptions,
    tenant: Annotated[str | None, typer.Argument(metavar="[TENANT]", help="Its id; else one's own tenant.")] = None,
) -> int:
    """Show a tenant's settings and quotas; of one's own, also what it uses of them."""
    with open_client(api) as client:
        answer = client.get(f"{BASE}/tenant" if tenant is None else f"{BASE}/tenants/{tenant}")
    return _show(answer, api.as_json)


def update(tenant: TenantId, settings: SettingsFlags, api: ApiOptions) -> int:
    """Change a tenant's settings; what is not given stays as it is."""
    with open_client(api) as client:
        answer = client.change("PATCH", f"{BASE}/tenants/{tenant}", settings.body()).body
    return _show(answer, api.as_json)


def suspend(tenant: TenantId, api: ApiOptions, reason: Reason = None) -> int:
    """Start nothing of a tenant until it is resumed; what runs goes on."""
    return _operate(tenant, "suspend", api, reason)


def resume(tenant: TenantId, api: ApiOptions, reason: Reason = None) -> int:
    """Let a tenant's jobs run again, from now on."""
    return _operate(tenant, "resume", api, reason)


def erase(
    tenant: TenantId,
    api: ApiOptions,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
) -> int:
    """Erase a tenant's key and secrets for good; what was encrypted for it can never be read again.

    Asks for the tenant's id once more. Its jobs and the log stay; attempts that need a secret fail.
    """
    if not yes:
        write_note(f"Whatever was encrypted for the tenant {tenant} will be lost for good.")
        if typer.prompt("Type the tenant's id to erase it", err=True) != tenant:
            raise wrong_use("That is not the id of the tenant; nothing was erased.", "Repeat the command.")
    with open_client(api) as client:
        answer = client.change("POST", f"{BASE}/tenants/{tenant}/erase", {"tenantId": tenant}).body
    return _show(answer, api.as_json)


def usage(
    api: ApiOptions,
    since: Annotated[str | None, typer.Option("--from", metavar="ISO", help="Not before; else 30 days ago.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="ISO", help="Before; else now.")] = None,
) -> int:
    """Show what one's own tenant has used, day by day."""
    with open_client(api) as client:
        answer = client.get(f"{BASE}/tenant/usage", {"start": since, "end": until})
    if api.as_json:
        write_json(answer)
        return OK
    statuses = sorted({status for day in answer["days"] for status in day["byStatus"]})
    rows = (
        [day["day"], day["total"], *(day["byStatus"].get(status, 0) for status in statuses), day["durationMs"]]
        for day in answer["days"]
    )
    write_table(("day", "total", *statuses, "durationMs"), rows)
    return OK


def _operate(tenant: str, deed: str, api: ApiOptions, reason: str | None) -> int:
    with open_client(api) as client:
        body = {} if reason is None else {"reason": reason}
        answer = client.change("POST", f"{BASE}/tenants/{tenant}/{deed}", body).body
    return _show(answer, api.as_json)


def _show(answer: Any, as_json: bool) -> int:
    if as_json:
        write_json(answer)
    else:
        write_pairs(answer)
    return OK


def _read(path: Path) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        found = json.loads(text)
    except (OSError, ValueError) as error:
        raise wrong_use(f"{path} cannot be read as JSON: {error}", 'Give an object such as {"weight": 2}.') from error
    if not isinstance(found, dict) or not isinstance(found.get("quotas", {}), dict):
        raise wrong_use(f"{path} holds no settings of a tenant.", 'Give an object such as {"weight": 2}.')
    return found
