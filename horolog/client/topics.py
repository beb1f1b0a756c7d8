"""The topics of a running system, opened by what the environment says.

Guarantee: the Kafka that KAFKA_BOOTSTRAP_SERVERS names is used, with the access that the services' own settings give.
The embedded log belongs to the process that has it open: from outside, such a system is asked over its API.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from horolog.adapters.system import SystemClock
from horolog.domain.command_seals import CommandSeals
from horolog.log.port import Log
from horolog.log_opening import open_log
from horolog.runtime.settings import from_environment


@asynccontextmanager
async def open_topics() -> AsyncIterator[Log]:
    """The log that these topics are.

    Raises:
        ValueError: there is no Kafka.
        SettingsError: a setting cannot be used.
        LogError: it cannot be opened.
    """
    settings = from_environment(os.environ)
    if settings.kafka_bootstrap is None:
        raise ValueError("KAFKA_BOOTSTRAP_SERVERS is not set; a system on one machine is asked over its API")
    log = await open_log(settings, SystemClock())
    try:
        yield log
    finally:
        await log.close()


def command_seals() -> CommandSeals | None:
    """By what this program's commands are sealed: HOROLOG_COMMAND_KEYS, of which it has been given its own.

    Raises:
        SettingsError: a setting cannot be used.
    """
    return from_environment(os.environ).command_seals
