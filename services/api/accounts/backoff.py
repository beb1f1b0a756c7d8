"""How long a name, or an address, has to wait after so many failed attempts.

Guarantee: an attempt counts before its password is looked at, so that attempts at the same time gain nothing; only a
right password takes it back. Waits grow to a bound and never end in a lock, so that nobody is shut out for good by
somebody else's guessing.
Source: OWASP Authentication Cheat Sheet (throttling by account and by address).
"""

from collections.abc import Sequence
from datetime import timedelta

WAIT_S_MAX = 300.0
FREE_PER_ACCOUNT_COUNT = 5
FREE_PER_ADDRESS_COUNT = 20
"""More than for a name: many people may share an address."""
FORGOTTEN_AFTER = timedelta(hours=1)
"""After so long without an attempt the count begins anew; longer than the longest wait."""
COUNT_MAX = 1000
"""No counter goes beyond; all of its waits are the longest by then."""


def waits_s(free_count: int) -> Sequence[float]:
    """Seconds to wait after the first, second, … attempt that failed; the last one holds for all further ones."""
    doubling: list[float] = []
    wait_s = 1.0
    while wait_s < WAIT_S_MAX:
        doubling.append(wait_s)
        wait_s *= 2
    return (*(0.0 for _ in range(free_count)), *doubling, WAIT_S_MAX)


ACCOUNT_WAITS_S = waits_s(FREE_PER_ACCOUNT_COUNT)
ADDRESS_WAITS_S = waits_s(FREE_PER_ADDRESS_COUNT)

assert timedelta(seconds=WAIT_S_MAX) < FORGOTTEN_AFTER
