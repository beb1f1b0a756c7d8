"""The analytics worker, put together; its stream processor is loaded here, and only where it is run."""

import asyncio
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from horolog.cli.composition import Parts
from horolog.log_opening import kafka_settings
from horolog.runtime.settings_error import SettingsError
from projections.analytics.counting import Counting

_WORKER = "projections.analytics.faust_worker"
_OF_THE_EXTRA = ("faust", "mode")


async def run(parts: Parts, stop: asyncio.Event) -> None:
    """Count until stopped.

    Raises:
        SettingsError: the extra is not installed.
        LogError: as the worker's `run`.
    """
    try:
        module = import_module(_WORKER)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OF_THE_EXTRA:
            raise
        raise SettingsError("analytics needs the extra: pip install 'horolog[analytics]'") from None
    from horolog.log.kafka.topics import create_beside  # noqa: PLC0415 - its client is loaded where it is used

    kafka = kafka_settings(parts.settings)
    await create_beside(kafka, module.changelog_name(kafka))
    # Faust wants a directory, and keeps nothing in it that is needed again.
    with TemporaryDirectory(prefix="horolog-analytics-") as directory:
        worker = module.FaustWorker(kafka, Path(directory))
        counting = Counting(parts.log, worker.table, parts.clock)
        parts.metrics.watch_letters("analytics", lambda: counting.counters.refused)
        parts.readiness.watch("analytics", worker.is_ready)
        await worker.run(counting, stop)
