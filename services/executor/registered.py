"""Which functions a module of somebody's own has registered: asked as any function is called.

Guarantee: the module is imported in a process that is kept apart as those of jobs are, never in the executor's own,
which holds keys.
"""

import asyncio
from datetime import UTC, datetime

from horolog.runtime.settings_error import SettingsError
from schemas.events.executions import TriggerType
from schemas.events.workers import FUNCTION_COUNT_MAX, SYSTEM_TENANT, TaskAssigned
from schemas.jobs import FunctionConfig, JobType
from services.executor.outcome import Outcome
from services.executor.runner import Runner, Tap

ASKING_S_MAX = 60.0
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Asking:
    """Waits for what the module says."""

    def __init__(self) -> None:
        self.end: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    traceparent = None

    def prints(self, *taps: Tap) -> None:
        """Nobody follows that."""

    def progressed(self, percent: int) -> None:
        """Nothing depends on how far it is."""

    def ended(self, outcome: Outcome) -> None:
        """It has said it, or cannot."""
        if not self.end.done():
            self.end.set_result(outcome)


async def names_registered_by(target: str, runner: Runner) -> tuple[str, ...]:
    """The names, in their order.

    Raises:
        SettingsError: there are none, too many, or the module cannot be imported.
    """
    asking = Asking()
    stop = runner.start(_question(target), asking)
    try:
        outcome = await asyncio.wait_for(asyncio.shield(asking.end), ASKING_S_MAX)
    except TimeoutError:
        stop(0.0)
        raise SettingsError(f"{target} was not imported within {ASKING_S_MAX:g} s") from None
    if outcome.failure is not None:
        raise SettingsError(f"{target} cannot be run as a worker: {outcome.failure.message}")
    names = tuple(str(name) for name in outcome.result) if isinstance(outcome.result, list) else ()
    if not 0 < len(names) <= FUNCTION_COUNT_MAX:
        raise SettingsError(
            f"{target} has registered {len(names)} functions; from 1 to {FUNCTION_COUNT_MAX} can be run"
        )
    return names


def _question(target: str) -> TaskAssigned:
    return TaskAssigned(
        tenant_id=SYSTEM_TENANT,
        execution_id=SYSTEM_TENANT,
        job_id=SYSTEM_TENANT,
        attempt=1,
        worker_id="",
        scheduled_for=_LONG_AGO,
        not_before=_LONG_AGO,
        trigger_type=TriggerType.MANUAL,
        timeout_ms=int(ASKING_S_MAX * 1000),
        job_name=target,
        job_type=JobType.FUNCTION,
        config=FunctionConfig(
            module_path="horolog.worker", function_name="registered_names", parameters={"target": target}
        ),
    )
