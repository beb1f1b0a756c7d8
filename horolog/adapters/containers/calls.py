"""One call of the engine that is no program of a job: to list, to signal, to remove.

Guarantee: it ends within `CALL_S_MAX`, whatever the engine does.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

CALL_S_MAX = 10.0


async def call_engine(executable: str, arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What the engine wrote; None when it failed, could not be started, or did not end."""
    try:
        process = await asyncio.create_subprocess_exec(
            executable,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
    except OSError:
        return None
    try:
        written, _ = await asyncio.wait_for(process.communicate(), CALL_S_MAX)
    except (TimeoutError, asyncio.CancelledError) as stopped:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if isinstance(stopped, asyncio.CancelledError):
            raise
        return None
    return written.decode(errors="replace") if process.returncode == 0 else None
