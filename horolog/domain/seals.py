"""Seals on the records that make a worker run something, so that writing to a topic is not running code.

Guarantee: a sealed record was written by whoever has one of the keys, for this topic, as this type, and with this very
value. The first key seals; all of them are accepted, so that keys can be replaced one after the other. A record that
is copied keeps its seal: that it runs once is the worker's and the ledger's doing, by execution and attempt.

Source: RFC 2104 (HMAC), with SHA-256.
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

HEADER = "horolog-seal"
_VERSION = b"v1,"


@dataclass(frozen=True, slots=True, repr=False)
class Seals:
    """The keys; they are never shown."""

    keys: Sequence[bytes]

    def seal(self, topic: str, type_: str, value: bytes) -> tuple[str, bytes]:
        """The header of a record."""
        return HEADER, _VERSION + _sealed(self.keys[0], topic, type_, value)

    def holds(self, headers: Sequence[tuple[str, bytes]], topic: str, type_: str, value: bytes) -> bool:
        """Whether the record has a seal, exactly one, and it is right."""
        seals = [content for name, content in headers if name == HEADER]
        if len(seals) != 1:
            return False
        rights = [_VERSION + _sealed(key, topic, type_, value) for key in self.keys]
        # All are compared, whichever it is.
        return sum(hmac.compare_digest(right, seals[0]) for right in rights) > 0


def _sealed(key: bytes, topic: str, type_: str, value: bytes) -> bytes:
    # Neither a topic's name nor a type has a line end in it.
    return base64.b64encode(hmac.digest(key, f"{topic}\n{type_}\n".encode() + value, sha256))
