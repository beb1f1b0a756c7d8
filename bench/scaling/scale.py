"""How much is asked for: so many tenants and executions, on so many partitions."""

import math
from dataclasses import dataclass

from bench.scaling.costs import CPU_LIMIT, CPU_USED, HTTP_MS

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Scale:
    """What is asked for; the last four are assumed. `attempt_s` is how long an attempt runs."""

    tenant_count: int
    executions_per_day: int
    partition_count: int
    room: int
    peak_factor: int = 5
    attempt_s: float = 2.0
    fires_per_job: int = 1440

    @property
    def mean(self) -> float:
        """Executions a second."""
        return self.executions_per_day / DAY_S

    @property
    def peak(self) -> float:
        """Executions a second in the busiest minutes."""
        return self.mean * self.peak_factor

    @property
    def job_count(self) -> int:
        """Jobs that together fire so often."""
        return math.ceil(self.executions_per_day / self.fires_per_job)

    @property
    def executor_count(self) -> int:
        """By the room for what runs at a time, or by the CPU of HTTP requests: whichever takes more."""
        return max(math.ceil(self.peak * self.attempt_s / self.room), containers(self.peak * HTTP_MS))


ASKED = Scale(tenant_count=100, executions_per_day=1_000_000, partition_count=16, room=100)
HUNDREDFOLD = Scale(tenant_count=1000, executions_per_day=100_000_000, partition_count=16, room=500)
BILLION = Scale(tenant_count=10_000, executions_per_day=1_000_000_000, partition_count=64, room=1000)


def containers(cpu_ms_per_second: float) -> int:
    """How many containers such a load takes, each of `CPU_LIMIT` and used to `CPU_USED` of that."""
    return max(2, math.ceil(cpu_ms_per_second / (1000 * CPU_LIMIT * CPU_USED)))


def whole(number: float) -> str:
    """A number without its fraction."""
    return f"{round(number):,}"


def some(number: float) -> str:
    """A number with as many digits as are worth telling."""
    if number >= 100:
        return whole(number)
    return f"{number:.1f}" if number >= 1 else f"{number:.2g}"
