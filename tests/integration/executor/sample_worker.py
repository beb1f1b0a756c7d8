"""A module of somebody's own code base, with functions for jobs."""

import asyncio
import threading

from horolog.function import FunctionContext
from horolog.worker import Worker

worker = Worker()
empty = Worker()


@worker.function("billing.close_month")
def close_month(region: str, context: FunctionContext) -> list[str]:
    context.progress(50)
    context.logger.info("closing %s", region)
    return [region, context.idempotency_key]


@worker.function("billing.later")
async def later(value: str) -> str:
    await asyncio.sleep(0)
    return value


@worker.function("billing.patient")
def patient(context: FunctionContext) -> str:
    """Ends by itself once it is to."""
    context.is_cancelled  # noqa: B018 - who has asked is given time
    context.progress(1)
    while not context.is_cancelled:
        threading.Event().wait(0.01)
    print("put away")
    return "ended"


@worker.function("billing.patient_later")
async def patient_later(context: FunctionContext) -> str:
    """Awaits that it is to end."""
    cancelled = asyncio.create_task(context.cancelled())
    await asyncio.sleep(0)
    context.progress(1)
    await cancelled
    return "ended"


@worker.function("billing.deaf")
def deaf(context: FunctionContext) -> None:
    """Asks once, and then does not care."""
    assert not context.is_cancelled
    context.progress(1)
    threading.Event().wait()
