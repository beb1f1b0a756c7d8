"""Accounts for programs: each is one program's at a time.

Guarantee: of the programs that run at one time no two are given the same account, where there are accounts at all.
"""

import collections
from collections.abc import Sequence


class NoAccountLeft(OSError):
    """More programs run than there are accounts for."""


class Accounts:
    """Gives out user and group ids of which nothing else on the machine makes use; without any, None to everybody."""

    def __init__(self, accounts: Sequence[int]) -> None:
        self._are_given = bool(accounts)
        self._free = collections.deque(accounts)

    def take(self) -> int | None:
        """One that nobody else has.

        Raises:
            NoAccountLeft: all are in use.
        """
        if not self._are_given:
            return None
        if not self._free:
            raise NoAccountLeft("more programs run than HOROLOG_JOB_UID_RANGE has accounts for")
        # Those that were in use last are used again last: whatever may be left of them has time to go.
        return self._free.popleft()

    def give_back(self, account: int | None) -> None:
        """Nothing of the program is left."""
        if account is not None:
            self._free.append(account)
