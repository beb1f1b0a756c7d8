"""The runners, each with a spawner of its own."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from horolog.adapters.spawner.client import Spawner
from horolog.adapters.system import SystemClock
from services.executor.runners.command import CommandRunner
from services.executor.runners.function import FunctionRunner, FunctionSettings
from services.executor.runners.http import HttpRunner
from tests.integration.executor.watching import THIS_MACHINE

_ENVIRONMENT = {"PATH": os.environ["PATH"]}


KEPT_COUNT = 5
"""How many processes for functions there may be."""


@pytest.fixture
async def spawner() -> AsyncIterator[Spawner]:
    """Ends whatever a test left running."""
    spawner = Spawner()
    yield spawner
    await spawner.close()


@pytest.fixture
def commands(spawner: Spawner) -> CommandRunner:
    """Runs commands in `/`."""
    return CommandRunner(spawner, 100, _ENVIRONMENT, "/", {"CORE": 0})


@pytest.fixture
def functions(spawner: Spawner) -> FunctionRunner:
    """Runs the functions of `sample_functions`; a host is replaced after 40 calls."""
    settings = FunctionSettings(
        process_count=3,
        kept_count=KEPT_COUNT,
        paths=(str(Path(__file__).parent),),
        environment=_ENVIRONMENT,
        directory="/",
        calls_max=40,
    )
    return FunctionRunner(spawner, settings)


@pytest.fixture
async def requests() -> AsyncIterator[HttpRunner]:
    """Sends requests."""
    runner = HttpRunner(10, SystemClock(), THIS_MACHINE)
    yield runner
    await runner.close()
