"""What one worker is told at its start."""

from dataclasses import dataclass

from horolog.domain.addresses import Network
from horolog.domain.seals import Seals
from schemas.events.workers import Resource
from schemas.isolation import Isolation


@dataclass(frozen=True, slots=True)
class Hosted:
    """The registered functions that a worker runs, by name, and where they are: `module:attribute`."""

    target: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """`capacity` attempts run at a time; `prefetch` more are willingly held, waiting for their instant or for room.

    `function_process_count` bounds the function attempts among them, and `kept_function_process_count` the processes
    for them that are kept, those at work included. `drain_grace_s` is how long a stopping worker
    lets its attempts go on. `function_paths` are searched for functions before everything else; `directory` is where
    commands run that name none; without it each has one of its own. HTTP jobs may call `http_allowed` besides public
    addresses. With `seals`, only what a dispatcher has sealed is run; with `hosted`, only these functions are.
    `control_groups` is what control groups bound. A worker that `is_upgrading` tells nothing in its beats that the
    release before this one cannot read.
    """

    worker_id: str
    capacity: int = 100
    prefetch: int = 200
    function_process_count: int = 5
    kept_function_process_count: int = 40
    drain_grace_s: float = 30.0
    host: str = ""
    isolation: Isolation = Isolation.PROCESS
    control_groups: tuple[Resource, ...] = ()
    seals: Seals | None = None
    http_allowed: tuple[Network, ...] = ()
    function_paths: tuple[str, ...] = ()
    hosted: Hosted | None = None
    directory: str | None = None
    is_upgrading: bool = False
