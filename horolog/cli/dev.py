"""`horolog dev`: the whole system in one process tree on one machine, with nothing installed beforehand.

Guarantee: what was promised before the last stop goes on after the next start, because log and database are kept in
the directory; Ctrl-C ends everything cleanly, and no child outlives this process however it ends.
"""

import asyncio
import json
import os
import secrets
import socket
import sys
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from horolog.adapters.servers import PrivatePostgres, PrivateValkey, ServerUnavailable
from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import ROLES, Parts, Service, parts_of, service_of, sweep
from horolog.cli.devexamples import load_examples, needed
from horolog.cli.devkeys import master_keys_of
from horolog.cli.devtable import Follower, summary
from horolog.cli.options import DevOptions
from horolog.cli.preparation import bring_up_to_date
from horolog.cli.private_files import write_private
from horolog.cli.roles import executor
from horolog.cli.roles.api import listener
from horolog.cli.roles.api import run as run_api
from horolog.cli.tracing import traced
from horolog.domain.addresses import networks
from horolog.log.port import LogError
from horolog.log_opening import open_log
from horolog.runtime.log_settings import log_settings
from horolog.runtime.logs import configure_logs
from horolog.runtime.metrics_server import serving
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError
from horolog.runtime.signals import stop_on_signals
from projections.migrate import Release
from schemas.tenants import TenantSettings
from services.api.settings import ApiSettings, BuiltInIssuer
from services.api.settings import from_environment as api_settings

STOP_S_MAX = 5.0
OWN_MACHINE = networks(("127.0.0.0/8", "::1"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """What this directory's tenant is called, and the tokens that open its API."""

    tenant_id: str
    token: str
    service_token: str


def run(options: DevOptions) -> int:
    """Run everything until interrupted, or for `options.for_s` seconds; returns the exit code."""
    try:
        settings = replace(from_environment(os.environ), home=options.directory.resolve(), member=f"dev-{os.getpid()}")
        # The examples ask this very machine.
        settings = replace(settings, kafka_bootstrap=None, http_allowed=(*settings.http_allowed, *OWN_MACHINE))
        if options.examples:
            settings = replace(settings, tenant_defaults=_with_examples(settings.tenant_defaults))
        configure_logs(log_settings(os.environ, "warning"), "dev")
        settings.home.mkdir(parents=True, exist_ok=True)
        settings = replace(settings, master_keys=settings.master_keys or master_keys_of(settings.home))
        with ExitStack() as stack:
            dsn = stack.enter_context(PrivatePostgres(settings.home / "postgres"))
            redis_url = stack.enter_context(PrivateValkey(settings.home / "redis"))
            return asyncio.run(_dev(replace(settings, database_url=dsn, redis_url=redis_url), options))
    except (SettingsError, ServerUnavailable, LogError) as error:
        sys.stderr.write(f"horolog: {error}\n")
        return 1


def _with_examples(settings: TenantSettings) -> TenantSettings:
    """The settings, and what the examples need besides."""
    examples = needed()
    return settings.model_copy(
        update={
            "allowed_executables": (*settings.allowed_executables, *examples.allowed_executables),
            "allowed_modules": (*settings.allowed_modules, *examples.allowed_modules),
        }
    )


async def _dev(settings: Settings, options: DevOptions) -> int:
    assert settings.database_url is not None
    # The server is this process's own: whoever was connected has ended with the last one.
    await bring_up_to_date(settings.database_url, Release(alone=True))
    credentials = _credentials(settings.home)
    port = options.port or _free_port()
    api = _api_settings(credentials, port, _auth_key(settings.home))
    bound = listener(api)
    url = f"http://{api.host}:{port}"
    write_private(settings.home / "client.json", json.dumps({"url": url, "token": credentials.token}))
    clock = SystemClock()
    log = await open_log(settings, clock)
    await log.create_topics()
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(log.close)
        parts = await stack.enter_async_context(traced(parts_of(settings, log, clock)))
        worker = (
            None
            if options.worker is None
            else await executor.prepare_functions(parts, options.worker, executor.Share.LAST_HALF)
        )
        parts = parts if worker is None else replace(parts, settings=_with_functions(settings, worker))
        return await _run_all(parts, Beside(api, bound, worker), options, stop, credentials)


@dataclass(frozen=True, slots=True)
class Beside:
    """What runs besides the roles that every system has: the API where it listens, and a worker of the SDK if any."""

    api: ApiSettings
    bound: socket.socket
    worker: executor.Prepared | None


def _with_functions(settings: Settings, worker: executor.Prepared) -> Settings:
    """The settings, with tenants that may call the registered functions: whoever started them here wants them run."""
    defaults = settings.tenant_defaults
    modules = sorted({name.rpartition(".")[0] for name in worker.names} - set(defaults.allowed_modules))
    allowed = (*defaults.allowed_modules, *modules)
    return replace(settings, tenant_defaults=defaults.model_copy(update={"allowed_modules": allowed}))


async def _run_all(
    parts: Parts, beside: Beside, options: DevOptions, stop: asyncio.Event, credentials: Credentials
) -> int:
    """Run the services; the executors stop first, then what takes in their last reports, then the rest."""
    started_at, api = parts.clock.now(), beside.api

    async def serve_api(until: asyncio.Event) -> None:
        await run_api(parts, until, api, beside.bound)

    async def execute(until: asyncio.Event) -> None:
        if beside.worker is None:
            await executor.run(parts, until)
            return
        async with asyncio.TaskGroup() as group:
            group.create_task(executor.run(parts, until, executor.Share.FIRST_HALF))
            group.create_task(executor.run_prepared(parts, until, beside.worker))

    async def sweep_log(until: asyncio.Event) -> None:
        await sweep(parts, until)

    stages: list[list[Service]] = [
        [execute, service_of("ticker", parts)],
        [service_of("dispatcher", parts), serve_api, sweep_log],
        [service_of("projections", parts), service_of("notifier", parts)],
    ]
    running = [Stage(services, stop) for services in stages]
    url = f"http://{api.host}:{api.port}"
    async with AsyncExitStack() as stack:
        follower = Follower(parts.database_url(), started_at, options.as_json)
        stack.push_async_callback(follower.close)
        parts.readiness.expect(ROLES, stop.is_set)
        watched_at = serving(parts.metrics, parts.settings.metrics, parts.readiness)
        if metrics_url := await stack.enter_async_context(watched_at):
            follower.say(f"metrics {metrics_url}")
        if beside.worker is not None:
            follower.say(f"worker {options.worker}: {', '.join(beside.worker.names)}")
        following = asyncio.create_task(_follow(follower, url, credentials, options, stop))
        if options.for_s is None:
            await stop.wait()
        else:
            with_end = asyncio.create_task(stop.wait())
            await asyncio.wait((with_end,), timeout=options.for_s)
            with_end.cancel()
        stop.set()
        for stage in running:
            await stage.end()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await follower.finish()
        print(await summary(parts.database_url(), started_at, options.as_json), flush=True)
    return max(stage.failures for stage in running)


class Stage:
    """Services that end together."""

    def __init__(self, services: list[Service], stop_all: asyncio.Event) -> None:
        self._stop = asyncio.Event()
        self._stop_all = stop_all
        self.failures = 0
        self._tasks = [asyncio.ensure_future(service(self._stop)) for service in services]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    async def end(self) -> None:
        """Ask the services to end, and wait for it as long as anybody may have to."""
        self._stop.set()
        _, late = await asyncio.wait(self._tasks, timeout=STOP_S_MAX)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _ended(self, task: "asyncio.Future[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures = 1
            sys.stderr.write(f"horolog: a service failed: {type(error).__name__}: {error}\n")
            self._stop_all.set()


async def _follow(
    follower: Follower, url: str, credentials: Credentials, options: DevOptions, stop: asyncio.Event
) -> None:
    """Say where the API is, load the examples, then show what fires and what came of it."""
    follower.say(f"API    {url}/api/v1/scheduler")
    follower.say(f"token  {credentials.token}")
    if options.examples:
        for line in await load_examples(url, credentials.token):
            follower.say(line)
    await follower.follow(stop)


def _credentials(home: Path) -> Credentials:
    """This directory's tenant and tokens; made once, then kept."""
    path = home / "credentials.json"
    if not path.exists():
        made = {
            "tenant_id": RandomIds().new(),
            "token": secrets.token_urlsafe(24),
            "service_token": secrets.token_urlsafe(24),
        }
        write_private(path, json.dumps(made))
    return Credentials(**json.loads(path.read_text()))


def _auth_key(home: Path) -> Path:
    """The key file of this directory's issuer of tokens; made once, then kept."""
    path = home / "auth-key.pem"
    if not path.exists():
        from services.api.accounts.signing import new_key  # noqa: PLC0415 - loaded where a key is made

        write_private(path, new_key().decode())
    return path


def _api_settings(credentials: Credentials, port: int, auth_key: Path) -> ApiSettings:
    environment = {
        "HOROLOG_TOKENS": f"{credentials.token}={credentials.tenant_id}:dev",
        "INTERNAL_SERVICE_TOKEN": credentials.service_token,
        "HOROLOG_API_PORT": str(port),
    }
    # Not by its variable: a comma in the directory's name would be taken for the end of a path.
    return replace(api_settings(environment), issuer=BuiltInIssuer((str(auth_key),), credentials.tenant_id))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
