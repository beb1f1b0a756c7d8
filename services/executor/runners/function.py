"""Function jobs: Python functions, called with their parameters as keyword arguments in warm processes.

A process runs one function at a time and is kept for the next of the same tenant, so a module is imported once, not
for each attempt; what a function leaves in module state is seen by later calls in the same process, never by those of
another tenant. More processes are kept than run at a time, so that tenants that take turns find theirs; beyond that, an
idle one of another tenant makes room. A process that has to be killed is replaced. Coroutine functions are run to their
end. A parameter named `context` is given a `horolog.function.FunctionContext`, whatever the job's parameters say.

A function that is registered is looked for in the worker that the settings name, and not in a module.

The result is what the function returns, and must be JSON; what it prints is kept in the metadata.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import services.executor
from schemas.events.workers import TaskAssigned
from schemas.jobs import FunctionConfig
from services.executor.processes import Processes, Program
from services.executor.runner import Stop, Warmth, Watcher
from services.executor.runners.function_channel import FunctionHost


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """`process_count` functions run at a time, and `kept_count` processes are kept at most, those included (but for the
    moment in which one takes the place of another). `paths` are searched for modules before everything else. A process
    is replaced after `calls_max` calls, or once it holds more than `resident_mb_max` MiB. `limits` are named as in
    `Program`. Processes that are contained have no descriptors but the three of any program; this product is in their
    image."""

    process_count: int = 5
    kept_count: int = 40
    paths: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str | None = None
    limits: Mapping[str, int] = field(default_factory=dict)
    worker: str | None = None
    calls_max: int = 20_000
    resident_mb_max: int = 256
    python: str = sys.executable
    are_contained: bool = False


class FunctionRunner:
    """Calls functions in processes that are started when first needed."""

    def __init__(self, processes: Processes, settings: FunctionSettings) -> None:
        self._processes = processes
        self._settings = settings
        self._given_up_count = 0
        self._hosts: set[FunctionHost] = set()
        self._idle: list[FunctionHost] = []
        options = {
            "paths": list(settings.paths),
            "calls_max": settings.calls_max,
            "resident_mb_max": settings.resident_mb_max,
            "has_channel_on_stdio": settings.are_contained,
            "worker": settings.worker,
        }
        root = str(Path(services.executor.__file__).parents[2])
        self._program = Program(
            argv=(settings.python, "-P", "-m", "services.executor.function_host", json.dumps(options)),
            environment={**settings.environment, **({} if settings.are_contained else {"PYTHONPATH": root})},
            directory=settings.directory,
            limits=settings.limits,
            name="functions",
        )

    @property
    def capacity(self) -> int:
        return self._settings.process_count

    @property
    def warmth(self) -> Warmth:
        return self

    def has_room_for(self, tenant_id: str) -> bool:
        return len(self._hosts) < self._settings.kept_count or any(host.serves(tenant_id) for host in self._idle)

    def idle_tenants(self) -> set[str]:
        return {host.tenant_id for host in self._idle if host.tenant_id is not None}

    def warm_up(self) -> None:
        """Have one process ready before the first call; needs a running loop."""
        if not self._hosts:
            self._idle.append(self._launch())

    def start(self, task: TaskAssigned, watcher: Watcher) -> Stop:
        config = task.config
        if not isinstance(config, FunctionConfig):
            raise TypeError("not a function task")
        return self._host_for(task.tenant_id).call(task, config, watcher)

    async def close(self) -> None:
        await self._processes.close()

    def _host_for(self, tenant_id: str) -> FunctionHost:
        """A process that has served no other tenant; an idle one of others makes room when there are too many."""
        for host in reversed(self._idle):
            if host.serves(tenant_id):
                self._idle.remove(host)
                return host
        if self._idle and len(self._hosts) >= self._settings.kept_count:
            # Not always the one that rests longest: where more tenants than are kept take turns, as they do when all
            # of them fire each minute, that is the very one that is needed next. So each place has its turn.
            self._idle.pop(self._given_up_count % len(self._idle)).kill()
            self._given_up_count += 1
        return self._launch()

    def _launch(self) -> FunctionHost:
        host = FunctionHost(self._processes, self._program, self._idle.append, self._gone)
        self._hosts.add(host)
        return host

    def _gone(self, host: FunctionHost) -> None:
        self._hosts.discard(host)
        if host in self._idle:
            self._idle.remove(host)
