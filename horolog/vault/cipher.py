"""Encryption under a data key, each ciphertext bound to the one place where it may stand.

Guarantee: what was encrypted opens only under the same key and in the same place; moved to another tenant, job or
field, or altered by a bit, it does not open, and nothing of it is shown. Two encryptions of one value differ.

Source: NIST SP 800-38D (AES-GCM; section 8.2.2 for random nonces of 96 bits: at most 2^32 of them under one key).
"""

import base64
import binascii
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import orjson
from pydantic import JsonValue

from schemas.sealed import is_sealed

KEY_BYTES = 32
NONCE_BYTES = 12
_VERSION = "enc:v1"
_FINGERPRINT_LABEL = b"horolog fingerprint v1"

Entropy = Callable[[int], bytes]
"""So many random bytes."""
system_entropy: Entropy = os.urandom


class SealBroken(Exception):
    """A ciphertext does not open here: it was altered, moved, or encrypted under another key."""


@dataclass(frozen=True, slots=True)
class Context:
    """Where a ciphertext may stand: a tenant, a thing of the tenant's (`job`, a job's id), and a place in it."""

    tenant_id: str
    kind: str
    owner: str
    place: str

    def bound_to(self, key_id: str) -> bytes:
        """The associated data. As JSON: no part can pass for two."""
        return orjson.dumps([_VERSION, self.tenant_id, self.kind, self.owner, self.place, key_id])


@dataclass(frozen=True, slots=True, repr=False)
class DataKey:
    """A tenant's key; never shown."""

    key_id: str
    key: bytes

    def seal(self, value: JsonValue, context: Context, entropy: Entropy = system_entropy) -> str:
        """The text that stands for the value from now on."""
        sealed = encrypt(self.key, orjson.dumps(value), context.bound_to(self.key_id), entropy)
        return f"{_VERSION}:{self.key_id}:{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def open(self, text: str, context: Context) -> JsonValue:
        """The value that the text stands for.

        Raises:
            SealBroken: it does not stand for one here.
        """
        if not is_sealed(text) or key_id_of(text) != self.key_id:
            raise SealBroken("it is not encrypted under this key")
        content = text.rpartition(":")[2]
        try:
            sealed = base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))
        except (binascii.Error, ValueError):
            raise SealBroken("it is not base64") from None
        value: JsonValue = orjson.loads(decrypt(self.key, sealed, context.bound_to(self.key_id)))
        return value

    def fingerprint(self, data: bytes) -> str:
        """A digest by which equal data are recognised, and from which nobody without the key can tell them."""
        own = hmac.digest(self.key, _FINGERPRINT_LABEL, sha256)
        return hmac.digest(own, data, sha256).hex()


def key_id_of(text: str) -> str:
    """The id of the key under which a sealed text was encrypted."""
    return text.split(":")[2]


def new_key(entropy: Entropy = system_entropy) -> DataKey:
    """A data key that nobody else has."""
    return DataKey(entropy(8).hex(), entropy(KEY_BYTES))


def encrypt(key: bytes, data: bytes, bound_to: bytes, entropy: Entropy = system_entropy) -> bytes:
    """Nonce and ciphertext."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - 8 MB that only its users pay

    nonce = entropy(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, bound_to)


def decrypt(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """What `encrypt` was given.

    Raises:
        SealBroken: under this key, and bound to this, it was not.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):
        # Without the cause: what a library says of it may show what it was given.
        raise SealBroken("it was altered, moved, or encrypted under another key") from None
