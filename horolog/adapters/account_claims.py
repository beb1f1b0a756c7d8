"""Which of the accounts for programs are one executor's, among all executors of a machine.

Guarantee: no two that use the same folder hold the same account at a time, whatever ranges they were given, and whether
they are one process or several. What was held is free again once the holder has ended, and whoever it has handed the
file to: the kernel keeps a lock for each account, on the byte of its number, for as long as the file is open anywhere.
"""

import errno
import fcntl
import os
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path("/run/horolog")
_FILE = "accounts.lock"
_FLOCK = "@hhqqi"
"""`struct flock` of Linux: kind, from where, start, length, process."""
_HELD_BY_ANOTHER = (errno.EAGAIN, errno.EACCES)


class NoAccountsFree(Exception):
    """Others on this machine hold too many of the accounts."""


@dataclass(slots=True)
class Claim:
    """Accounts that are the holder's alone until it is closed."""

    accounts: range
    _file: int | None = None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What keeps the accounts claimed, in whichever process it is open."""
        return () if self._file is None else (self._file,)

    def close(self) -> None:
        """Give them up; idempotent."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def claim_accounts(accounts: range, count: int, folder: Path = FOLDER) -> Claim:
    """The first `count` accounts in a row of these that nobody else holds.

    Raises:
        NoAccountsFree: there are not so many.
        OSError: the folder cannot be used.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    file = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    start = accounts.start
    try:
        while start + count <= accounts.stop:
            if _lock(file, start, count):
                return Claim(range(start, start + count), file)
            start = _end_of_holder(file, start, count)
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    raise NoAccountsFree(f"no {count} accounts in a row of {accounts.start}-{accounts.stop - 1} are free")


def _lock(file: int, start: int, count: int) -> bool:
    wanted = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, count, 0)
    try:
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, wanted)
    except OSError as error:
        if error.errno in _HELD_BY_ANOTHER:
            return False
        raise
    return True


def _end_of_holder(file: int, start: int, count: int) -> int:
    """The number after those of whoever holds some of these; the same number when nobody does any more."""
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, count, 0)
    kind, _, held_from, held_count, _ = struct.unpack(_FLOCK, fcntl.fcntl(file, fcntl.F_OFD_GETLK, asked))
    if kind == fcntl.F_UNLCK:
        return start
    # A length of nothing is all there is.
    return int(held_from) + int(held_count) if held_count else sys.maxsize
