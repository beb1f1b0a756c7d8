"""The master keys of a deployment: data keys are kept encrypted under them.

Guarantee: a key that is short, weak, typed by hand or named twice stops the start with a sentence that tells the
variable and the entry's number, and never the value. The first key wraps; all of them unwrap, so that a key is
replaced by naming the new one first, wrapping anew (`horolog keys rotate`), and naming the old one no more.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from horolog.vault import cipher
from horolog.vault.cipher import DataKey, Entropy, SealBroken, system_entropy

DISTINCT_BYTES_MIN = 16
"""Of 32 random bytes, fewer differ once in more than 10^12 keys."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_CANARY = b"horolog canary v1"
ADVICE = "`openssl rand -base64 32` makes one"


class MasterKeysError(ValueError):
    """Master keys that nothing can start with."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key, encrypted under a master key."""

    key_id: str
    master_key_id: str
    sealed: bytes


@dataclass(frozen=True, slots=True, repr=False)
class MasterKeys:
    """The keys by their ids, the wrapping one first; never shown."""

    keys: Mapping[str, bytes]

    @property
    def first(self) -> str:
        """The id of the key that wraps."""
        return next(iter(self.keys))

    def wrap(self, tenant_id: str, key: DataKey, entropy: Entropy = system_entropy) -> Wrapped:
        """A tenant's data key as it may be kept."""
        bound_to = _bound_to(tenant_id, key.key_id, self.first)
        return Wrapped(key.key_id, self.first, cipher.encrypt(self.keys[self.first], key.key, bound_to, entropy))

    def unwrap(self, tenant_id: str, wrapped: Wrapped) -> DataKey:
        """The data key.

        Raises:
            SealBroken: it is not that tenant's, or its master key is not known here.
        """
        master = self.keys.get(wrapped.master_key_id)
        if master is None:
            raise SealBroken(f"the master key {wrapped.master_key_id!r} is not known here")
        bound_to = _bound_to(tenant_id, wrapped.key_id, wrapped.master_key_id)
        return DataKey(wrapped.key_id, cipher.decrypt(master, wrapped.sealed, bound_to))

    def canary(self, key_id: str, entropy: Entropy = system_entropy) -> bytes:
        """A known text, encrypted under a master key: by it another key of the same id is told."""
        return cipher.encrypt(self.keys[key_id], _CANARY, _canary_bound_to(key_id), entropy)

    def knows(self, key_id: str, canary: bytes) -> bool:
        """Whether the canary was encrypted under the key of that id."""
        try:
            return cipher.decrypt(self.keys[key_id], canary, _canary_bound_to(key_id)) == _CANARY
        except SealBroken:
            return False


def parse(where: str, text: str) -> MasterKeys | None:
    """The keys of `id=base64 of 32 bytes`, separated by commas or line ends; None when there are none.

    Raises:
        MasterKeysError: as this module says; `where` names the variable.
    """
    entries = [entry for part in re.split(r"[,\n]", text) if (entry := part.strip()) and not entry.startswith("#")]
    pairs = [_entry(f"{where}, entry {number}", entry) for number, entry in enumerate(entries, 1)]
    keys = dict(pairs)
    if len(keys) < len(pairs):
        raise MasterKeysError(f"{where} names the same id twice")
    if len(set(keys.values())) < len(keys):
        raise MasterKeysError(f"{where} gives the same key under two ids")
    return MasterKeys(keys) if keys else None


def _entry(where: str, entry: str) -> tuple[str, bytes]:
    key_id, separator, text = entry.partition("=")
    fail = partial(_refusal, where)
    if not separator or not _ID.fullmatch(key_id):
        raise fail("expected id=key, with an id of up to 32 letters, digits and . _ -")
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise fail(f"a key is the base64 of {cipher.KEY_BYTES} random bytes; {ADVICE}") from None
    if len(key) != cipher.KEY_BYTES:
        raise fail(f"a key is the base64 of exactly {cipher.KEY_BYTES} bytes; {ADVICE}")
    if len(set(key)) < DISTINCT_BYTES_MIN:
        raise fail(f"the key is too regular to be random; {ADVICE}")
    if all(0x20 <= byte < 0x7F for byte in key):
        raise fail(f"the key is a text that somebody has typed, or an example; {ADVICE}")
    return key_id, key


def _refusal(where: str, why: str) -> MasterKeysError:
    return MasterKeysError(f"{where}: {why}")


def _bound_to(tenant_id: str, key_id: str, master_key_id: str) -> bytes:
    return f"horolog data key v1\n{tenant_id}\n{key_id}\n{master_key_id}".encode()


def _canary_bound_to(key_id: str) -> bytes:
    return f"horolog canary v1\n{key_id}".encode()
