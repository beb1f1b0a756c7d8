"""A stream processor that never gets ready is found, and given up.

Guarantee: whoever is not ready for `STANDSTILL_S_MAX`, and comes no further with its table either, is told of as if the
log were away: the process ends, and whoever starts it anew begins where this one was certain. Seen under load: where
partitions were shared out again while a worker still began with its last share, Faust waited for ever.
"""

from collections.abc import Callable
from typing import NoReturn

from horolog.log.port import LogUnavailable
from horolog.ports import Clock

STANDSTILL_S_MAX = 60.0
LOOK_S = 2.0


async def until_it_stands_still(is_ready: Callable[[], bool], reached: Callable[[], object], clock: Clock) -> NoReturn:
    """Look on. `reached` is how far the table is, in any form that differs when it is further.

    Raises:
        LogUnavailable: nothing has happened for too long.
    """
    since, known = clock.monotonic(), reached()
    while True:
        await clock.sleep(LOOK_S)
        now, present = clock.monotonic(), reached()
        if is_ready() or present != known:
            since, known = now, present
        elif now - since >= STANDSTILL_S_MAX:
            raise LogUnavailable(f"the stream processor has not become ready for {STANDSTILL_S_MAX:g} s; begin again")
