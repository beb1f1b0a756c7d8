"""What keeps one program apart from the others: an account, a box or at least a directory, and a control group.

Guarantee: of the programs that run at one time no two have the same account, and none has the executor's, where there
are accounts at all; what a program left in its directory is removed once nothing of its tree is left.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from horolog.adapters.groups.groups import Groups
from horolog.adapters.spawner.accounts import Accounts
from horolog.adapters.spawner.box import JOB

Place = tuple[str, str]
"""A path of the machine, and what becomes of it: `readable`, `writable`, or `hidden` (empty, where it would show)."""


@dataclass(frozen=True, slots=True)
class Box:
    """What programs see of the machine: `places` without symbolic links in them, the outer ones first, and `links`
    (path, target). What they write besides takes `size_mb` MiB of memory at most."""

    places: Sequence[Place] = ()
    links: Sequence[tuple[str, str]] = ()
    size_mb: int = 256


@dataclass(frozen=True, slots=True)
class Cell:
    """What one program is given: parts of the spawner's request."""

    account: int | None = None
    box: dict[str, object] | None = None
    directory: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    room: str | None = None
    groups: Sequence[str] = ()


class Cells:
    """Gives out cells: with a box where there is one, else with a directory below a temporary one.

    `accounts` are user and group ids of which nothing else on the machine makes use.
    """

    def __init__(self, box: Box | None, accounts: Sequence[int] = (), groups: Groups | None = None) -> None:
        self._box = None if box is None else asdict(box)
        self._accounts = Accounts(accounts)
        self._groups = groups
        self._rooms: str | None = None
        self._room_count = 0
        self.held: tuple[int, ...] = ()
        """Descriptors that the spawner keeps open as well, for as long as anything that it has started may be left."""

    def open(self) -> Cell:
        """A cell that nobody else has.

        Raises:
            OSError: no account is left, or the directory or the group cannot be made.
        """
        account = self._accounts.take()
        groups: Sequence[str] = ()
        try:
            if self._groups is not None:
                groups = self._groups.open()
            if self._box is not None:
                return Cell(account, self._box, JOB, {"HOME": JOB}, groups=groups)
            room = self._make_room(account)
        except OSError:
            self._close_group(groups)
            self._accounts.give_back(account)
            raise
        return Cell(account, None, room, {"HOME": room, "TMPDIR": room}, room, groups)

    def close(self, cell: Cell) -> None:
        """Nothing of the program is left."""
        self._close_group(cell.groups)
        self._accounts.give_back(cell.account)
        if cell.room is None:
            return
        try:
            os.rmdir(cell.room)
        except OSError:
            # Aside, since a program can leave as many files as it likes.
            asyncio.get_running_loop().run_in_executor(None, _remove, cell.room)

    def clear(self) -> None:
        """Remove every directory and group; there are no programs any more."""
        if self._groups is not None:
            self._groups.clear()
        if self._rooms is not None:
            _remove(self._rooms)
            self._rooms = None

    def _make_room(self, account: int | None) -> str:
        if self._rooms is None:
            self._rooms = tempfile.mkdtemp(prefix="horolog-jobs-")
            # Anybody may pass, to a directory that is its own; nobody sees which there are.
            os.chmod(self._rooms, 0o711)  # noqa: S103 - so it is meant
        self._room_count += 1
        room = os.path.join(self._rooms, str(self._room_count))
        os.mkdir(room, 0o700)
        if account is not None:
            os.chown(room, account, account)
        return room

    def _close_group(self, groups: Sequence[str]) -> None:
        if self._groups is not None and groups:
            self._groups.close(groups)


def _remove(path: str) -> None:
    with suppress(OSError):
        shutil.rmtree(path, ignore_errors=True)
