"""Seals on commands, so that writing to their topic is not giving orders.

Guarantee: a command whose seal holds was written by whoever has the key that is found, as this type and with this very
value. The first key seals, all of them are accepted, so that keys can be replaced one after the other. What a key is
for, `command_rights` says. A record that is copied keeps its seal: that a command is decided on once is the
dispatcher's doing, by its id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from horolog.domain.seals import HEADER, Seals
from schemas.topics import COMMANDS


@dataclass(frozen=True, slots=True)
class CommandKey:
    """A key: the platform's own; with a `name`, that of one producer, for these tenants only."""

    key: bytes = field(repr=False)
    name: str = ""
    tenants: frozenset[str] = frozenset()

    def seal(self, type_: str, value: bytes) -> tuple[str, bytes]:
        """The header of a record."""
        return Seals((self.key,)).seal(COMMANDS.name, type_, value)

    def holds(self, headers: Sequence[tuple[str, bytes]], type_: str, value: bytes) -> bool:
        """Whether the record has a seal, exactly one, and it is this key's."""
        return Seals((self.key,)).holds(headers, COMMANDS.name, type_, value)


@dataclass(frozen=True, slots=True)
class CommandSeals:
    """The keys that are known to a process."""

    keys: Sequence[CommandKey]

    @property
    def own(self) -> CommandKey:
        """The key that seals."""
        return self.keys[0]

    def holder_of(self, headers: Sequence[tuple[str, bytes]], type_: str, value: bytes) -> CommandKey | None:
        """The key by which the record was sealed, if it is known."""
        # All are tried, whichever it is.
        found = [key for key in self.keys if key.holds(headers, type_, value)]
        return found[0] if found else None


def is_sealed(headers: Sequence[tuple[str, bytes]]) -> bool:
    """Whether a record has any seal, right or wrong."""
    return any(name == HEADER for name, _ in headers)
