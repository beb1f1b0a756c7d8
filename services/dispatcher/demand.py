"""What an execution demands of the worker that runs it.

Guarantee: it follows from the job's config alone, so every dispatcher comes to the same.
"""

from dataclasses import dataclass

from schemas.isolation import Isolation
from schemas.jobs import FunctionConfig, JobConfig, isolation_demanded


@dataclass(frozen=True, slots=True)
class Demand:
    """The lowest level of isolation, and the function that the worker must have registered, if it is such a one."""

    isolation: Isolation = Isolation.PROCESS
    function: str | None = None


PLAIN = Demand()
"""Any worker will do, but for those that run registered functions only."""


def demand_of(config: JobConfig) -> Demand:
    """What running this demands."""
    function = config.registered_name if isinstance(config, FunctionConfig) else None
    return Demand(isolation_demanded(config) or Isolation.PROCESS, function)


def lane_of(demand: Demand) -> Demand:
    """Where such an execution waits at first. A level of isolation that is missing is found out when its turn comes."""
    return demand if demand.function is not None else PLAIN
